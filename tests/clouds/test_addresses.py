"""What is an address, and which lies within which."""

from pathlib import Path

import pytest

from retail_forecast.clouds.addresses import Address, below, kind_of, lies_within, local_folder
from retail_forecast.domain.errors import UsageError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (Path("a/b"), "local"),
        ("a/b", "local"),
        ("C:/lake", "local"),
        ("s3://bucket", "s3"),
        ("s3://bucket/a/b", "s3"),
        ("az://container/a", "azure"),
        ("abfss://container@account.dfs.core.windows.net/a", "azure"),
    ],
)
def test_kinds_of_places(address: Address, kind: str) -> None:
    assert kind_of(address) == kind
    assert (local_folder(address) is not None) == (kind == "local")


@pytest.mark.parametrize(
    "address", ["s3://", "s3:///a", "gs://bucket/a", "http://host/a", "az://", "abfss://container/a"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a place") as caught:
        kind_of(address)
    assert caught.value.where == address


def test_below() -> None:
    assert below("s3://bucket/a/", "b/c") == "s3://bucket/a/b/c"
    assert below(Path("a"), "b/c") == str(Path("a/b/c"))


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        ("s3://bucket/a/b", "s3://bucket/a", True),
        ("s3://bucket/a/", "s3://bucket/a", True),
        ("s3://bucket/ab", "s3://bucket/a", False),
        ("s3://bucket/a", "lake", False),
        (Path("lake/b"), "lake", True),
        (Path("lake/../b"), "lake", False),
    ],
)
def test_within(inner: Address, outer: Address, within: bool) -> None:
    assert lies_within(inner, outer) is within
