"""The container's recipe, as far as it can be read without building it."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "server/DockerFile").read_text("utf-8")
RUNTIME = RECIPE.rpartition("\nFROM ")[2]


@pytest.fixture
def writer() -> ModuleType:
    """The script that writes the bill of materials."""
    spec = importlib.util.spec_from_file_location("bill", ROOT / "server/bill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_that_is_installed_is_checked_by_hash() -> None:
    installs = re.findall(r"pip install [^&\n\\]*", RECIPE)
    assert len(installs) == 4
    assert [i for i in installs if "--no-deps" not in i] == []
    assert [i for i in installs if "--require-hashes" not in i] == ["pip install --no-deps dist/*.whl "]


def test_the_tools_of_the_build_are_in_the_locks() -> None:
    lists = re.findall(r"wanted = /\^\(([^)]+)\)==/", RECIPE)
    locks = [(ROOT / name).read_text("utf-8") for name in ("core/requirements.txt", "requirements-dev.txt")]
    assert len(lists) == len(locks)
    for names, lock in zip(lists, locks, strict=True):
        assert [name for name in names.split("|") if f"\n{name}==" not in lock] == []


def _bill_of_packages(folder: Path) -> dict[str, Any]:
    """What the recipe's own words tell of the lock."""
    (words,) = re.findall(r"bin/cyclonedx-py (requirements [^&]*)", RECIPE.replace("\\\n", " "))
    options = words.replace("server/pyproject.toml", "pyproject.toml").replace("lock.json", str(folder / "lock.json"))
    command = [Path(sys.executable).with_name("cyclonedx-py"), *options.split()]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    told: dict[str, Any] = json.loads((folder / "lock.json").read_bytes())
    return told


def test_the_bill_of_materials_names_every_package_with_version_and_hashes(tmp_path: Path) -> None:
    bill = _bill_of_packages(tmp_path)
    told = {
        (part["name"], part["version"]): {h["content"] for place in part["externalReferences"] for h in place["hashes"]}
        for part in bill["components"]
    }
    pinned: dict[tuple[str, str], set[str]] = {}
    for line in (ROOT / "server/requirements.txt").read_text("utf-8").splitlines():
        if package := re.match(r"([a-z0-9-]+)==(\S+)", line):
            hashes = pinned.setdefault((package[1], package[2]), set())
        elif digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line):
            hashes.add(digest[1])
    assert len(pinned) > 20
    assert told == pinned
    assert bill["metadata"]["component"]["name"] == "retail-forecast"


def test_the_bill_of_materials_tells_of_the_system_as_well(writer: ModuleType, tmp_path: Path) -> None:
    release = {"ID": "debian", "VERSION_ID": "12"}
    listed = """\
installed libstdc++6 1:12.2.0-14 amd64 gcc-12 12.2.0-14
installed tzdata 2025b-0+deb12u1 all tzdata 2025b-0+deb12u1
config-files gone 1.0-1 all gone 1.0-1
"""
    components = [
        writer.operating_system(release),
        writer.interpreter("3.11.2"),
        *writer.system_packages(listed, release),
    ]
    whole = writer.joined([_bill_of_packages(tmp_path)], components)
    assert [one.get("purl", one["bom-ref"]) for one in whole["components"][-4:]] == [
        "debian-12",
        "pkg:generic/python@3.11.2",
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14",
        "pkg:deb/debian/tzdata@2025b-0%2Bdeb12u1?arch=all&distro=debian-12",
    ]
    assert _faults(whole) is None
    del whole["components"][-1]["name"]
    assert "'name' is a required property" in str(_faults(whole))


def _faults(told: dict[str, Any]) -> object:
    """Where a bill is none in the version of CycloneDX that it names."""
    return JsonStrictValidator(SchemaVersion.from_version(told["specVersion"])).validate_str(json.dumps(told))


@pytest.mark.parametrize("recipe", ["server/DockerFile", "core/DockerFile"])
def test_the_linter_of_recipes_has_nothing_to_say(recipe: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), recipe], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_in_particular_with_a_health_check() -> None:
    assert re.findall(r"^USER (.+)$", RUNTIME, re.MULTILINE) == ["10001"]
    assert "\nHEALTHCHECK " in RUNTIME
    assert "/healthz" in RUNTIME
    assert "pip install" not in RUNTIME
    assert 'ENTRYPOINT ["python", "-m", "retail_forecast_server"]' in RUNTIME
