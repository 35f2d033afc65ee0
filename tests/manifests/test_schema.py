"""The manifests are valid for the version of Kubernetes that Terraform chooses."""

import copy
from typing import Any

import kubernetes_validate
import pytest

VERSION = "1.35"  # of kubernetes_version in aws/infra/variables.tf


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
