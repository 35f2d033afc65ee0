"""Terraform's own checks pass, and would not pass a fault."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Ground

TESTS = Path(__file__).parent / "variables.tftest.hcl"


def test_every_file_is_formatted(ground: "Ground") -> None:
    assert ground.run("fmt", "-check", "-recursive").stdout == ""


def test_a_file_that_is_not_formatted_is_found(ground: "Ground", tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('locals {\na="b"\n}\n', "utf-8")
    assert ground.at(tmp_path).run("fmt", "-check").returncode != 0


def test_the_root_is_valid(ground: "Ground") -> None:
    ground.done("validate")


def test_what_makes_the_states_bucket_is_valid(copied: Callable[[], Path], opened: "Callable[..., Ground]") -> None:
    opened(copied() / "bootstrap").done("validate")


def test_faults_are_found(copied: Callable[[], Path], opened: "Callable[..., Ground]") -> None:
    folder = copied()
    unknown_argument = 'resource "aws_sns_topic" "x" {\n  colour = "red"\n}\n'
    unknown_output = 'output "x" {\n  value = module.lake.nothing\n}\n'
    (folder / "fault.tf").write_text(unknown_argument + unknown_output, "utf-8")
    process = opened(folder).run("validate")
    assert process.returncode != 0
    assert '"colour"' in process.stderr
    assert '"nothing"' in process.stderr


def test_variables_refuse_what_they_do_not_take(ground: "Ground", tmp_path: Path) -> None:
    shutil.copy(ground.folder / "variables.tf", tmp_path)
    shutil.copy(TESTS, tmp_path)
    alone = ground.at(tmp_path)
    alone.done("init")
    assert re.search(r"Success! \d+ passed, 0 failed", alone.done("test", "-no-color"))


def test_a_variable_that_takes_everything_is_found(ground: "Ground", tmp_path: Path) -> None:
    text = (ground.folder / "variables.tf").read_text("utf-8")
    (tmp_path / "variables.tf").write_text(text.replace("contains([2, 3], var.zones)", "var.zones != 99"), "utf-8")
    shutil.copy(TESTS, tmp_path)
    alone = ground.at(tmp_path)
    alone.done("init")
    assert re.search(r"1 failed", alone.run("test", "-no-color").stdout)
