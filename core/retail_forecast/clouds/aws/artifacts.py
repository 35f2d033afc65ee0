"""What jobs read and leave in S3: data channels and models go up, models and answers come back."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import Refusal, Refused, told_as_refused
from retail_forecast.domain.errors import BundleError

__all__ = ["fetch", "fetch_model", "lies", "listed", "pack_model", "upload"]


def upload(account: Account, files: Mapping[str, Path]) -> None:
    """Write each file to its address `s3://...`; a half-finished upload leaves nothing there.

    Raises
    ------
    PlaceError : an upload failed
    """
    client = account.client("s3")
    for address, file in files.items():
        with told_as_refused(address):
            client.upload_file(str(file), *_bucket_and_key(address))


def fetch(account: Account, address: str, file: Path) -> None:
    """Copy the object at `address` into `file`.

    Raises
    ------
    PlaceError : it cannot be read
    """
    with told_as_refused(address):
        account.client("s3").download_file(*_bucket_and_key(address), str(file))


def lies(account: Account, address: str) -> bool:
    """Whether there is an object at `address`.

    Raises
    ------
    Refused : AWS answered with an error
    """
    bucket, key = _bucket_and_key(address)
    try:
        account.call("s3", "head_object", Bucket=bucket, Key=key)
    except Refused as error:
        if error.kind is Refusal.ABSENT:
            return False
        raise
    return True


def listed(account: Account, address: str) -> dict[str, str]:
    """Addresses of the objects below `address`, by the last part of their keys.

    Raises
    ------
    PlaceError : they cannot be listed
    """
    bucket, prefix = _bucket_and_key(address)
    pages = account.pages("s3", "list_objects_v2", Bucket=bucket, Prefix=f"{prefix}/")
    keys = [str(found["Key"]) for page in pages for found in page.get("Contents", [])]
    return {key.rpartition("/")[2]: f"s3://{bucket}/{key}" for key in keys}


def pack_model(bundle: Path, archive: Path) -> Path:
    """Pack the files of a bundle's folder as SageMaker unpacks a model; returns the archive."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as packed:
        for file in sorted(bundle.iterdir()):
            packed.add(file, file.name)
    return archive


def fetch_model(account: Account, address: str, folder: Path) -> None:
    """Unpack the archive that a job left at `address` into `folder`, which is made.

    Raises
    ------
    BundleError : the archive is damaged
    PlaceError : it cannot be read
    """
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar.gz")
    fetch(account, address, archive)
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


def _bucket_and_key(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key
