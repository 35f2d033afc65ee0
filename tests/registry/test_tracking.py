"""The mirror in MLflow holds what the records hold, can be repeated, says nothing, and fails without harm."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.tracking import mirror_champion, mirror_run, registered_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

MakeRun = Callable[..., RunRecord]

Client = Callable[[], "MlflowClient"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for the module: MLflow takes seconds to lay out an empty one."""
    return tmp_path_factory.mktemp("a folder with blanks é") / "runs" / "mlflow.db"


@pytest.fixture
def client(database: Path) -> Client:
    def opened() -> "MlflowClient":
        from mlflow import MlflowClient

        address = f"sqlite:///{database}"
        return MlflowClient(address, address)

    return opened


def _runs(client: "MlflowClient", run_id: str) -> list[Any]:
    experiment = client.get_experiment_by_name("basket")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.`retail_forecast.run_id` = '{run_id}'"))


def test_a_run_is_mirrored_once_with_parameters_metrics_and_tags(
    database: Path, client: Client, make_run: MakeRun
) -> None:
    record = make_run("mirrored-once")
    for _ in range(2):
        mirror_run(database, record)
    (run,) = _runs(client(), "mirrored-once")
    assert run.data.metrics["accuracy"] == 0.95
    assert run.data.metrics["precision.LA"] == 0.93
    assert run.data.metrics["with_xx.macro_f1"] == 0.94
    assert not any("confusion" in name or "reliability" in name for name in run.data.metrics)
    assert run.data.params["settings.train.folds"] == "3"
    assert run.data.params["window.test"] == "200707-200708"
    assert run.data.tags["lake_state"] == "4"
    assert run.data.tags["bundle_digest"] == record.bundle_digest
    assert run.info.run_name == "mirrored-once"
    assert run.info.end_time - run.info.start_time == 11_750


def test_the_alias_follows_the_champion_and_back(database: Path, client: Client, make_run: MakeRun) -> None:
    def champion() -> str:
        version = client().get_model_version_by_alias(registered_name(Task.BASKET), "champion")
        return str(version.tags["retail_forecast.run_id"])

    for name in ("alias-a", "alias-b", "alias-a"):
        mirror_champion(database, make_run(name), f"registry/bundles/{name}")
        assert champion() == name
    versions = client().search_model_versions(f"name = '{registered_name(Task.BASKET)}'")
    assert sorted(str(v.source) for v in versions) == ["registry/bundles/alias-a", "registry/bundles/alias-b"]


def test_it_says_nothing_and_leaves_nothing_elsewhere(
    tmp_path: Path, make_run: MakeRun, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mirror_champion(tmp_path / "runs" / "mlflow.db", make_run(), "registry/bundles/x")
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mlflow.db"]


def test_a_mirror_that_cannot_be_written_is_a_place_error(tmp_path: Path, make_run: MakeRun) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_bytes(b"this is no database" * 100)
    with pytest.raises(PlaceError, match="mirror in MLflow was not written") as failure:
        mirror_run(broken, make_run())
    assert failure.value.where == str(broken)
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(PlaceError):
        mirror_run(in_the_way / "mlflow.db", make_run())
