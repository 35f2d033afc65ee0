"""The last layer of the manifests: an overlay with the account's own values, as Terraform put them out."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

__all__ = ["write_deployment"]

_ACCOUNTS = ("server", "etl", "batch", "retrain", "monitor")
_ROLE = "eks.amazonaws.com/role-arn"
_CERTIFICATE = "alb.ingress.kubernetes.io/certificate-arn"


def write_deployment(folder: Path, overlay: Path, outputs: Mapping[str, Any]) -> Path:
    """Write the file that `kubectl apply -k` of `folder` takes; returns it.

    Images keep the overlay's digests until the build replaces them (`kustomize edit set image`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    roles = outputs["service_account_role_arns"]
    patches = [_annotated("ServiceAccount", "v1", name, _ROLE, roles[name]) for name in _ACCOUNTS if name in roles]
    patches += _values(outputs)
    if certificate := outputs.get("certificate"):
        patches.append(_annotated("Ingress", "networking.k8s.io/v1", "server", _CERTIFICATE, certificate["arn"]))
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(overlay.resolve(), folder.resolve())],
        "images": _images(overlay, outputs["ecr_repository_urls"]),
        "patches": [{"patch": yaml.safe_dump(patch, sort_keys=False)} for patch in patches],
    }
    file = folder / "kustomization.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return file


def _images(overlay: Path, urls: Mapping[str, str]) -> list[dict[str, str]]:
    """The overlay's images, taken from the account's repositories."""
    named = yaml.safe_load((overlay / "kustomization.yaml").read_text("utf-8"))["images"]
    return [{"name": image["newName"], "newName": urls[image["newName"].rpartition("/")[2]]} for image in named]


def _values(outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where things lie, as settings; where files come and go, for the jobs' commands; and the outputs themselves."""
    zones = outputs["zone_uris"]
    settings = {
        "RETAIL_FORECAST_LAKE__URI": zones["lake"],
        "RETAIL_FORECAST_LAKE__PREDICTIONS_URI": zones["predictions"],
        "RETAIL_FORECAST_REGISTRY__URI": zones["registry"],
        "RETAIL_FORECAST_FEATURES__ONLINE": f"dynamodb://{outputs['dynamodb_table']}",
    }
    places = {name.upper(): zones[name] for name in ("incoming", "to_score", "scored")}
    told = msgspec.json.encode(outputs, order="sorted").decode()
    return [_config("settings", settings), _config("places", places), _config("outputs", {"outputs.json": told})]


def _config(name: str, data: dict[str, str]) -> dict[str, Any]:
    about = {"name": name, "namespace": "retail-forecast"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


def _annotated(kind: str, version: str, name: str, key: str, value: str) -> dict[str, Any]:
    about = {"name": name, "namespace": "retail-forecast", "annotations": {key: value}}
    return {"apiVersion": version, "kind": kind, "metadata": about}
