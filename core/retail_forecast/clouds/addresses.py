"""Addresses of places: a local folder, `s3://bucket/prefix`, `az://container/prefix` or
`abfss://container@account.dfs.core.windows.net/prefix`.
"""

import re
from pathlib import Path
from typing import Literal

from retail_forecast.domain.errors import UsageError

__all__ = ["Address", "Kind", "below", "kind_of", "lies_within", "local_folder"]

Address = str | Path
"""A folder as path, or any place as text."""

Kind = Literal["local", "s3", "azure"]

_FORMS: dict[str, tuple[Kind, str]] = {
    "s3": ("s3", r"s3://[^/]+(/.*)?"),
    "az": ("azure", r"az://[^/]+(/.*)?"),
    "abfss": ("azure", r"abfss://[^/@]+@[^/@]+(/.*)?"),
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def kind_of(address: Address) -> Kind:
    """What kind of place `address` names; text without a scheme is a folder.

    Raises
    ------
    UsageError : a scheme that is not known, or no bucket or container

    >>> kind_of("s3://sales/lake"), kind_of("workspace/lake")
    ('s3', 'local')
    """
    text = str(address)
    scheme = _SCHEME.match(text)
    if isinstance(address, Path) or scheme is None:
        return "local"
    kind, form = _FORMS.get(scheme[1], ("local", ""))
    if not re.fullmatch(form, text):
        raise UsageError(
            "this is no address of a place",
            where=text,
            mend="name a folder, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX",
        )
    return kind


def local_folder(address: Address) -> Path | None:
    """The folder that `address` names; None where it lies in an object store."""
    return Path(address) if kind_of(address) == "local" else None


def below(address: Address, path: str) -> str:
    """The address of `path` below `address`.

    >>> below("s3://sales/lake/", "gold/baskets")
    's3://sales/lake/gold/baskets'
    """
    folder = local_folder(address)
    return f"{str(address).rstrip('/')}/{path}" if folder is None else str(folder / path)


def lies_within(inner: Address, outer: Address) -> bool:
    """Whether `inner` is `outer` or lies below it; two ways to write one place in a cloud are not seen through."""
    folder, home = local_folder(inner), local_folder(outer)
    if folder is not None and home is not None:
        return folder.resolve().is_relative_to(home.resolve())
    return f"{inner}/".startswith(f"{str(outer).rstrip('/')}/")
