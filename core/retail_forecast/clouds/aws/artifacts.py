"""What jobs read and leave in S3: data channels go up, models come back."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import told_as_refused
from retail_forecast.domain.errors import BundleError

__all__ = ["fetch_model", "upload"]


def upload(account: Account, files: Mapping[str, Path]) -> None:
    """Write each file to its address `s3://...`; a half-finished upload leaves nothing there.

    Raises
    ------
    PlaceError : an upload failed
    """
    client = account.client("s3")
    for address, file in files.items():
        with told_as_refused(address):
            bucket, _, key = address.removeprefix("s3://").partition("/")
            client.upload_file(str(file), bucket, key)


def fetch_model(account: Account, address: str, folder: Path) -> None:
    """Unpack the archive that a job left at `address` into `folder`, which is made.

    Raises
    ------
    BundleError : the archive is damaged
    PlaceError : it cannot be read
    """
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar.gz")
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with told_as_refused(address):
        account.client("s3").download_file(bucket, key, str(archive))
    try:
        with tarfile.open(archive, "r:gz") as packed:
            packed.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BundleError(
            f"the model of the job cannot be unpacked: {error}",
            where=address,
            mend="remove the object and repeat the command: it starts the job again",
        ) from error
    archive.unlink()
