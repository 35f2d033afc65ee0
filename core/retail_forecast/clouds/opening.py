"""Open the store behind an address.

Credentials, region and endpoint come from the usual variables of the cloud (`docs/places.md`), or from the machine's
own role. What is sent is encrypted unless an endpoint is given that begins with http://.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.store import AzureStore, LocalStore, ObjectStore, S3Store

from retail_forecast.clouds.addresses import Address, Kind, kind_of, local_folder

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["open_store", "table_options"]

_ENDPOINTS: dict[Kind, tuple[str, ...]] = {
    "local": (),
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "azure": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}


def open_store(address: Address, *, patience_s: float = 180.0) -> ObjectStore:
    """The object store at `address`, whose paths are relative to it; a local folder is made when it is missing.

    Parameters
    ----------
    patience_s : how long a request to a cloud that does not answer is repeated [s]

    Raises
    ------
    UsageError : it is no address
    """
    folder, kind = local_folder(address), kind_of(address)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder.resolve())
    options: ClientConfig = {"allow_http": _plain(kind)}
    repeated: RetryConfig = {"retry_timeout": timedelta(seconds=patience_s)}
    if kind == "s3":
        return S3Store.from_url(str(address), client_options=options, retry_config=repeated)
    return AzureStore.from_url(str(address), client_options=options, retry_config=repeated)


def table_options(address: Address) -> dict[str, str]:
    """What delta-rs must be told to open tables below `address` as `open_store` opens objects."""
    kind = kind_of(address)
    told = {"allow_http": "true"} if _plain(kind) else {}
    return told | ({"conditional_put": "etag"} if kind == "s3" else {})


def _plain(kind: Kind) -> bool:
    """Whether the endpoint in force is one without encryption."""
    given = [os.environ[name] for name in _ENDPOINTS[kind] if os.environ.get(name)]
    return bool(given) and given[0].startswith("http://")
