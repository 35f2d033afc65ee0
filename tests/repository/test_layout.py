"""What the repository promises about itself: files, names, versions, hosts and roots of trust."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

import retail_forecast
from retail_forecast.cli.main import VERBS
from retail_forecast.domain.contract import document
from retail_forecast.lake.athena import document as athena_document

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

REQUIRED = (
    ".ci/run",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "core/requirements.txt",
    "docs/adr/0001-record-architecture-decisions.md",
    "docs/adr/template.md",
    "docs/architecture.md",
    "docs/data-contract.md",
    "pyproject.toml",
    "requirements-dev.txt",
    "server/requirements.txt",
)

TARGETS = ("setup", "run", "test", "test-all", "lint", "bench", "lock", "docs", "clean")

# Written in pieces, for this file is searched as well.
PACKAGE_HOSTS = re.compile(
    "|".join((r"pypi\." + "org", "python" + r"hosted\.org", r"registry\.npm" + "js", r"pypi\." + "python"))
)


@cache
def tracked() -> tuple[Path, ...]:
    """The files under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file())


@pytest.mark.parametrize("name", REQUIRED)
def test_the_file_is_there_and_not_empty(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_continuous_integration_can_be_run() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_licence_is_the_declared_one() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")[:200]


def test_one_version() -> None:
    version = PROJECT["project"]["version"]
    assert retail_forecast.__version__ == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_no_file_names_a_package_host() -> None:
    found = [path.name for path in tracked() if PACKAGE_HOSTS.search(path.read_text("utf-8", errors="replace"))]
    assert found == []


def test_no_data_file_is_tracked() -> None:
    assert [path.name for path in tracked() if path.suffix in {".gz", ".parquet", ".csv", ".db", ".sqlite"}] == []


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_verbs_are_the_promised_ones() -> None:
    promised = {
        "simulate",
        "ingest",
        "quality",
        "sql",
        "lake",
        "train",
        "tune",
        "evaluate",
        "reproduce",
        "promote",
        "models",
        "lineage",
        "predict",
        "customers",
        "segments",
        "features",
        "predictions",
        "serve",
        "report",
        "run",
        "cloud",
        "doctor",
    }
    assert set(VERBS) == promised


def test_the_data_contract_is_current() -> None:
    assert (ROOT / "docs/data-contract.md").read_text("utf-8") == document(), "run `make docs`"


def test_the_views_for_athena_are_current() -> None:
    assert (ROOT / "docs/athena.sql").read_text("utf-8") == athena_document(), "run `make docs`"


def test_records_of_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("section", ["Context", "Decision", "Measured", "Consequences"])
def test_records_of_decisions_have_their_sections(section: str) -> None:
    for path in (ROOT / "docs/adr").glob("*.md"):
        assert f"\n## {section}\n" in path.read_text("utf-8"), path.name
