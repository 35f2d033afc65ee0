"""Checkov finds nothing in Terraform that is not explained beside it, and each explanation is still needed."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "aws/infra"
NO_CHECKOV = "checkov is not installed: make setup-checkov"
SKIP = re.compile(r"#checkov:skip=(\w+):(.+)")


def checked(folder: Path, *options: str) -> list[dict[str, Any]]:
    """Checkov's results over a folder: what failed, then what is explained."""
    program = ROOT / ".venv-checkov/bin/checkov"
    found = str(program) if program.is_file() else shutil.which("checkov")
    if found is None:
        pytest.skip(NO_CHECKOV)
    command = [
        found,
        "-d",
        str(folder),
        "--framework",
        "terraform",
        "--skip-download",
        "-o",
        "json",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    return results["failed_checks"] + results["skipped_checks"]


@pytest.fixture(scope="module")
def results() -> list[dict[str, Any]]:
    return checked(INFRA, "--var-file", str(INFRA / "profiles/prod.tfvars"))


def test_nothing_fails(results: list[dict[str, Any]]) -> None:
    failed = [r for r in results if r["check_result"]["result"] == "FAILED"]
    assert [(r["check_id"], r["resource"]) for r in failed] == []


def test_each_exception_says_why_and_is_needed(results: list[dict[str, Any]]) -> None:
    written = {(check, path) for path in INFRA.rglob("*.tf") for check, _ in SKIP.findall(path.read_text("utf-8"))}
    reasons = [why for path in INFRA.rglob("*.tf") for _, why in SKIP.findall(path.read_text("utf-8"))]
    assert min(map(len, reasons)) > 20
    used = {(r["check_id"], Path(r["file_abs_path"]).resolve()) for r in results}
    assert {(check, path.name) for check, path in written if (check, path.resolve()) not in used} == set()


def test_a_fault_is_found(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'resource "aws_s3_bucket" "x" {\n  bucket = "x"\n  acl = "public-read"\n}\n', "utf-8"
    )
    assert Counter(r["check_result"]["result"] for r in checked(tmp_path))["FAILED"] > 2
