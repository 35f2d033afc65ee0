"""The manifests are valid for the version of Kubernetes that Terraform chooses."""

import copy
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

VERSION = "1.35"


def test_each_object_fits_its_schema(objects: list[dict[str, Any]]) -> None:
    for found in objects:
        kubernetes_validate.validate(found, VERSION, strict=True)


def test_a_misspelt_key_is_found(objects: list[dict[str, Any]]) -> None:
    faulty = copy.deepcopy(next(o for o in objects if o["kind"] == "Deployment"))
    faulty["spec"]["stratgy"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(faulty, VERSION, strict=True)


def test_each_object_is_there_once(objects: list[dict[str, Any]]) -> None:
    names = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))


def test_the_version_is_that_of_the_cluster() -> None:
    variables = (Path(__file__).parents[2] / "aws/infra/variables.tf").read_text("utf-8")
    (block,) = re.findall(r'variable "kubernetes_version" \{.*?\n\}', variables, re.DOTALL)
    assert f'"{VERSION}"' in block
