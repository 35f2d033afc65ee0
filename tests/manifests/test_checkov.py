"""Checkov finds nothing in the rendered manifests that is not explained."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NO_CHECKOV = "checkov is not installed: make setup-checkov"


def failures(objects: list[dict[str, Any]], folder: Path) -> list[str]:
    """Checks that fail, with the object."""
    program = ROOT / ".venv-checkov/bin/checkov"
    found = str(program) if program.is_file() else shutil.which("checkov")
    if found is None:
        pytest.skip(NO_CHECKOV)
    file = folder / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects), "utf-8")
    command = [found, "-f", str(file), "--framework", "kubernetes", "--output", "json", "--skip-download", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    told = json.loads(done.stdout)
    assert told["summary"]["passed"] > 0 or told["summary"]["failed"] > 0
    return [f"{check['check_id']} {check['resource']}" for check in told["results"]["failed_checks"]]


def test_nothing_fails(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    assert failures(objects, tmp_path) == []


def test_a_privileged_container_is_found(tmp_path: Path) -> None:
    box = {"name": "a", "image": "a:latest", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [box]}}
    assert any(line.startswith("CKV_K8S_16 ") for line in failures([pod], tmp_path))
