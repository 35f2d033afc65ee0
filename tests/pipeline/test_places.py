"""Files of a call that lie in a store: the same answer as of files that lie here."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retail_forecast.clouds.addresses import Address, below
from retail_forecast.clouds.objects import listed, upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.spooled import FINISHED
from retail_forecast.pipeline.places import here, there
from retail_forecast.pipeline.predictions import commit_predictions, upload_predictions
from retail_forecast.registry.events import FOLDER, job

Place = Callable[[str], Address]

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)


def test_files_of_a_store_are_brought_and_go_again(cloud_place: Place, tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(name)
    upload(open_store(cloud_place("in")), {name: tmp_path / name for name in ("b.csv", "a.csv")})
    with here([tmp_path / "b.csv", cloud_place("in")]) as files:
        assert files[0] == str(tmp_path / "b.csv")
        assert [Path(file).read_text() for file in files] == ["b.csv", "a.csv", "b.csv"]
    assert not Path(files[1]).exists()
    assert (tmp_path / "b.csv").exists()


def test_a_folder_that_holds_nothing_is_an_error(cloud_place: Place) -> None:
    with pytest.raises(UsageError, match="no file is there"), here([cloud_place("empty")]):
        pass


def test_what_was_made_lies_there_only_when_it_ended_well(any_place: Place) -> None:
    output = below(any_place("out"), "day.csv")
    store = open_store(any_place("out"))
    with there(output) as file:
        file.write_text("done")
    assert [path for path, _ in listed(store)] == ["day.csv"]
    with pytest.raises(ValueError, match="half"), there(below(any_place("out"), "next.csv")) as file:
        raise ValueError("half")
    assert [path for path, _ in listed(store)] == ["day.csv"]


def test_answers_wait_where_the_settings_say(any_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__PREDICTIONS_URI", str(any_place("answers")))
    (tmp_path / "spool").mkdir()
    (tmp_path / f"spool/{'a' * 16}-{1:08d}{FINISHED}").write_bytes(b"")
    assert upload_predictions(tmp_path, tmp_path / "spool").segments == 1
    assert [path for path, _ in listed(open_store(any_place("answers")))]
    assert not (tmp_path / "predictions").exists()
    assert commit_predictions(tmp_path).objects == 1


def test_events_are_told_where_the_registry_is(any_place: Place, tmp_path: Path) -> None:
    with job(tmp_path, "ingest", lambda: NOW, any_place("registry")):
        pass
    assert len(list(listed(open_store(any_place("registry")), FOLDER))) == 2
    assert not (tmp_path / FOLDER).exists()
