"""Objects behave alike in a folder, in S3 and in Azure Blob Storage; conditions decide between two writers."""

from collections.abc import Callable
from pathlib import Path

import obstore
import pytest

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.objects import create, download, exchange, listed, read, read_marked, remove_below, upload
from retail_forecast.clouds.opening import open_store, table_options
from retail_forecast.domain.errors import Conflict, PlaceError

Place = Callable[[str], Address]


def test_written_listed_and_read(any_place: Place) -> None:
    store = open_store(any_place("shop"))
    obstore.put(store, "a/one.txt", b"one")
    obstore.put(store, "ab/two.txt", b"two")
    assert read(store, "a/one.txt") == b"one"
    assert sorted(listed(store)) == [("a/one.txt", 3), ("ab/two.txt", 3)]
    assert [path for path, _ in listed(store, "a")] == ["a/one.txt"]
    assert not list(listed(open_store(any_place("other")))), "places do not see each other's objects"
    remove_below(store, "a")
    remove_below(store, "nothing")
    assert [path for path, _ in listed(store)] == ["ab/two.txt"]
    with pytest.raises(FileNotFoundError):
        read(store, "a/one.txt")


def test_files_travel(any_place: Place, tmp_path: Path) -> None:
    store = open_store(any_place("bundles"))
    files = {f"run/part-{number}": tmp_path / f"{number}.bin" for number in range(12)}
    for number, file in enumerate(files.values()):
        file.write_bytes(bytes([number]) * 1000 * number)
    upload(store, files)
    found = download(store, tmp_path / "back", "run")
    assert {file.relative_to(tmp_path / "back").as_posix(): file.read_bytes() for file in found} == {
        path: file.read_bytes() for path, file in files.items()
    }


def test_only_one_creates(any_place: Place) -> None:
    store = open_store(any_place("shop"))
    create(store, "state", b"mine")
    with pytest.raises(Conflict, match="wrote it first"):
        create(store, "state", b"yours")
    assert read(store, "state") == b"mine"


def test_a_journal_has_one_writer_a_number(any_place: Place) -> None:
    journal = Journal(open_store(any_place("shop")), "states")
    assert journal.latest() is None
    journal.add(1, {"by": "me"})
    with pytest.raises(Conflict, match="entry 1 of states was published"):
        journal.add(1, {"by": "you"})
    journal.add(2, {"by": "you"})
    assert (journal.numbers(), journal.read(1)) == ([1, 2], {"by": "me"})


def test_only_one_exchanges(cloud_place: Place) -> None:
    store = open_store(cloud_place("shop"))
    mark = create(store, "lease", b"first")
    payload, seen = read_marked(store, "lease")
    newer = exchange(store, "lease", b"second", seen)
    assert payload == b"first"
    with pytest.raises(Conflict, match="meanwhile"):
        exchange(store, "lease", b"third", mark)
    assert read(store, "lease") == b"second"
    exchange(store, "lease", b"third", newer)
    assert read(store, "lease") == b"third"


def test_a_place_that_is_not_there_is_told(cloud_place: Place) -> None:
    address = str(cloud_place("shop")).replace("//lake/", "//elsewhere/")
    with pytest.raises(PlaceError, match="cannot be written or read") as caught, told_as_place(address):
        obstore.put(open_store(address), "a", b"a")
    assert caught.value.exit_code == 5
    assert caught.value.where == address
    assert "variables with credentials and endpoint" in caught.value.mend
    assert "\n" not in caught.value.what
    assert "<?xml" not in caught.value.what


def test_plain_http_only_where_the_endpoint_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert "allow_http" not in table_options("s3://bucket/lake")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
    assert "allow_http" not in table_options("s3://bucket/lake")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert table_options("s3://bucket/lake")["allow_http"] == "true"
    assert "allow_http" not in table_options("az://container/lake")
    assert table_options(Path("lake")) == {}
