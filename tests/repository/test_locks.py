"""The locks fit pyproject.toml and each other; checked without a network."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CORE, SERVER, DEV = "core/requirements.txt", "server/requirements.txt", "requirements-dev.txt"
AWS = "core/requirements-aws.txt"
CHECKOV, MINISTACK = "requirements-checkov.txt", "requirements-ministack.txt"
LOCKS = (CORE, AWS, SERVER, DEV, CHECKOV, MINISTACK)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")

WANTED = {
    CORE: [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]],
    AWS: [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["aws"],
        *PROJECT["dependency-groups"]["build"],
    ],
    SERVER: PROJECT["dependency-groups"]["server"],
    CHECKOV: PROJECT["dependency-groups"]["checkov"],
    MINISTACK: PROJECT["dependency-groups"]["ministack"],
    DEV: [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["dependency-groups"]["build"],
    ],
}


def blocks(text: str) -> list[str]:
    """Each pin of a lock with the lines that belong to it."""
    return [block for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if block[:1].isalnum()]


def pins(text: str) -> dict[str, Requirement]:
    """The pins of a lock by canonical name."""
    found = [Requirement(block.splitlines()[0].rstrip("\\ ")) for block in blocks(text)]
    return {canonicalize_name(pin.name): pin for pin in found}


def version_of(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "==", pin
    return specifier.version


def faults(requirements: list[str], lock: dict[str, Requirement]) -> list[str]:
    """Requirements that no pin of the lock satisfies."""
    wanted = [Requirement(text) for text in requirements]
    return [
        str(r)
        for r in wanted
        if (pin := lock.get(canonicalize_name(r.name))) is None or not r.specifier.contains(version_of(pin))
    ]


@cache
def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_pyproject(name: str) -> None:
    assert faults(WANTED[name], pins(read(name))) == []


@pytest.mark.parametrize("requirement", ["numpy>=99", "a-package-that-is-not-locked"])
def test_a_lock_that_is_behind_is_found(requirement: str) -> None:
    assert faults([requirement], pins(read(CORE))) == [requirement]


@pytest.mark.parametrize("name", [AWS, SERVER, DEV])
def test_one_version_of_a_package_everywhere(name: str) -> None:
    core, other = pins(read(CORE)), pins(read(name))
    assert {n: str(pin) for n, pin in other.items() if n in core and str(pin) != str(core[n])} == {}


def test_development_holds_all_of_core() -> None:
    assert set(pins(read(CORE))) <= set(pins(read(DEV)))


def test_the_server_needs_nothing_that_core_does_not() -> None:
    assert set(pins(read(SERVER))) <= set(pins(read(CORE)))


def test_the_server_carries_nothing_that_trains() -> None:
    heavy = {
        "duckdb",
        "deltalake",
        "pandas",
        "pyarrow",
        "torch",
        "mlflow-skinny",
        "scikit-learn",
        "xgboost-cpu",
        "scipy",
    }
    assert heavy & set(pins(read(SERVER))) == set()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    for block in blocks(read(name)):
        version_of(Requirement(block.splitlines()[0].rstrip("\\ ")))
        assert HASH.search(block), block.splitlines()[0]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_index_and_no_path_of_a_machine(name: str) -> None:
    assert (
        re.findall(r"https?://|file:|--(?:extra-)?index-url|--find-links|(?<!\w)/(?:home|root|tmp|opt)/", read(name))
        == []
    )
