"""The container's recipe, as far as it can be read without building it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "server/DockerFile").read_text("utf-8")
RUNTIME = RECIPE.rpartition("\nFROM ")[2]


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


def test_the_bill_of_materials_names_every_package_with_version_and_hashes(tmp_path: Path) -> None:
    (options,) = re.findall(r"bin/cyclonedx-py (requirements .*) -o sbom.json server/requirements.txt", RECIPE)
    command = [Path(sys.executable).with_name("cyclonedx-py"), *options.split(), "-o", str(tmp_path / "sbom.json")]
    subprocess.run([*command, "server/requirements.txt"], cwd=ROOT, check=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_bytes())
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
