"""The recipes, as far as they can be read without building them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("recipe", ["core/DockerFile", "server/DockerFile"])
def test_everything_that_is_copied_is_there_and_let_through(recipe: str) -> None:
    text = (ROOT / recipe).read_text("utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    let_through = (ROOT / f"{recipe}.dockerignore").read_text("utf-8").splitlines()
    assert copied
    assert [name for name in copied if not (ROOT / name).exists() or f"!{name}" not in let_through] == []


def test_all_that_a_job_s_image_holds_is_checked_by_hash_but_for_pytorch() -> None:
    installs = re.findall(r"pip install [^&;\n\\]*", (ROOT / "core/DockerFile").read_text("utf-8"))
    assert [i.strip() for i in installs if "--require-hashes" not in i] == [
        'pip install "${TORCH}"',
        "pip install --no-deps dist/*.whl",
    ]
