"""The script that the Glue job names takes in what lies in a place, and agrees with the job's arguments."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import retail_forecast
from retail_forecast.cli.main import run
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.spark import SAIL
from retail_forecast.lake.state import LakeStates

# The client's remark on the version of pandas, which nothing here uses.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "aws/script/ingest_on_glue.py"
SMALL = ["--weeks", "1", "--baskets-per-week", "20", "--products", "100", "--customers", "10", "--stores", "5"]


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ingest_on_glue", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def incoming(
    any_place: Callable[[str], Address],
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[ModuleType, list[str]]:
    """The script, and arguments for places of which the one for till files holds a week."""
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__SPARK_ADDRESS", SAIL)
    assert run(["simulate", *SMALL, "--start-week", "200701", "--out", str(tmp_path / "files"), "--json"]) == 0
    capsys.readouterr()
    upload(open_store(any_place("incoming")), {file.name: file for file in (tmp_path / "files").iterdir()})
    places = ["--incoming", str(any_place("incoming")), "--lake", str(any_place("lake"))]
    return script, [*places, "--JOB_NAME", "retail-forecast-dev-ingest"]


@pytest.mark.parametrize("any_place", ["local", "s3"], indirect=True)
def test_it_takes_in_what_is_new(
    incoming: tuple[ModuleType, list[str]], any_place: Callable[[str], Address], capsys: pytest.CaptureFixture[str]
) -> None:
    script, arguments = incoming
    assert script.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["baskets"] == 20
    state = LakeStates(any_place("lake")).latest()
    assert state is not None
    assert [*state.weeks] == [200701]
    assert script.main(arguments) == 0
    assert LakeStates(any_place("lake")).latest() == state


@pytest.mark.parametrize("any_place", ["local"], indirect=True)
def test_a_file_that_is_refused_fails_the_job(
    incoming: tuple[ModuleType, list[str]], any_place: Callable[[str], Address], tmp_path: Path
) -> None:
    script, arguments = incoming
    (tmp_path / "bad.csv").write_text("this is no till file\n", "utf-8")
    upload(open_store(any_place("incoming")), {"bad.csv": tmp_path / "bad.csv"})
    assert script.main(arguments) == 3


def test_the_job_installs_this_version() -> None:
    text = (ROOT / "aws/infra/variables.tf").read_text("utf-8")
    release = text.split('variable "release"')[1].split("validation")[0]
    assert f'default     = "{retail_forecast.__version__}"' in release


def test_the_job_names_the_script_and_its_arguments() -> None:
    job = (ROOT / "aws/infra/modules/catalog/glue.tf").read_text("utf-8")
    assert f"/{SCRIPT.name}" in job
    wanted = set(re.findall(r'add_argument\("(--\w+)", required', SCRIPT.read_text("utf-8")))
    assert wanted == {"--incoming", "--lake"}
    assert wanted <= set(re.findall(r'"(--\w+)" +=', job))
