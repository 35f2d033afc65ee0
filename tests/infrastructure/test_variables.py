"""Every variable is typed and described, refuses what it must, and is used by some profile that is planned."""

import re
from pathlib import Path

import pytest

INFRA = Path(__file__).parents[2] / "aws/infra"
REST = Path(__file__).parent / "rest.tfvars"
PROFILES = (INFRA / "profiles/dev.tfvars", INFRA / "profiles/prod.tfvars", REST)
BLOCK = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
FILES = sorted(INFRA.rglob("variables.tf"))

# Whatever these two kinds hold is allowed.
FREE = {"bool"}


def variables(text: str) -> dict[str, str]:
    """Each variable of a file with what stands between its braces."""
    return dict(BLOCK.findall(text))


def given(text: str) -> set[str]:
    """The variables that a profile sets."""
    return set(re.findall(r"^(\w+) *=", text, re.MULTILINE))


def faults(text: str) -> list[str]:
    """Variables without a type or a description that says something."""
    wanted = (re.compile(r"^  type +=", re.MULTILINE), re.compile(r'^  description = ".{10,}"$', re.MULTILINE))
    return [name for name, body in variables(text).items() if not all(part.search(body) for part in wanted)]


ROOT_VARIABLES = variables((INFRA / "variables.tf").read_text("utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(INFRA)))
def test_each_variable_is_typed_and_described(file: Path) -> None:
    assert faults(file.read_text("utf-8")) == []


def test_a_variable_without_type_or_words_is_found() -> None:
    assert faults('variable "x" {\n  description = "Some thing or other."\n}\n') == ["x"]
    assert faults('variable "x" {\n  description = "x"\n  type        = string\n}\n') == ["x"]


def test_each_variable_is_set_by_a_profile_that_is_planned() -> None:
    assert set(ROOT_VARIABLES) - set().union(*(given(file.read_text("utf-8")) for file in PROFILES)) == set()


@pytest.mark.parametrize("file", [*PROFILES, INFRA / "profiles/emulator.tfvars"], ids=lambda file: file.stem)
def test_a_profile_sets_known_variables_only(file: Path) -> None:
    assert given(file.read_text("utf-8")) - set(ROOT_VARIABLES) == set()


def test_each_variable_is_checked_and_its_check_is_tested() -> None:
    types = {name: re.search(r"^  type += (\S+)", body, re.MULTILINE) for name, body in ROOT_VARIABLES.items()}
    checked = {name for name, body in ROOT_VARIABLES.items() if "validation {" in body}
    assert {name for name, found in types.items() if found and found[1] not in FREE} <= checked
    tests = (Path(__file__).parent / "variables.tftest.hcl").read_text("utf-8")
    assert set(re.findall(r"expect_failures = \[var\.(\w+)\]", tests)) == checked


def test_each_switch_is_explained() -> None:
    text = (INFRA / "README.md").read_text("utf-8")
    table = set(re.findall(r"`(\w+)`", text.split("## Switches")[1].split("##")[0]))
    assert table <= set(ROOT_VARIABLES)
    switches = {name for name, body in ROOT_VARIABLES.items() if re.search(r"^  type +=  *bool", body, re.MULTILINE)}
    assert switches - table == {"s3_path_style"}
