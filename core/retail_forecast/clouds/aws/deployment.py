"""The last layer of the manifests: an overlay with the account's own values, as Terraform put them out."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["write_deployment"]

_ACCOUNTS = ("server", "etl", "batch", "retrain")
_ROLE = "eks.amazonaws.com/role-arn"
_CERTIFICATE = "alb.ingress.kubernetes.io/certificate-arn"


def write_deployment(folder: Path, overlay: Path, outputs: Mapping[str, Any]) -> Path:
    """Write the file that `kubectl apply -k` of `folder` takes; returns it.

    Images keep the overlay's digests until the build replaces them (`kustomize edit set image`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    roles = outputs["service_account_role_arns"]
    patches = [_annotated("ServiceAccount", "v1", name, _ROLE, roles[name]) for name in _ACCOUNTS if name in roles]
    patches.append(_settings({"RETAIL_FORECAST_LAKE__URI": outputs["zone_uris"]["lake"]}))
    if certificate := outputs.get("certificate"):
        patches.append(_annotated("Ingress", "networking.k8s.io/v1", "server", _CERTIFICATE, certificate["arn"]))
    if file_system := outputs.get("workspace_file_system_id"):
        patches.append(_storage(file_system))
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


def _settings(data: dict[str, str]) -> dict[str, Any]:
    about = {"name": "settings", "namespace": "retail-forecast"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


def _storage(file_system: str) -> dict[str, Any]:
    about = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "efs"}}
    return about | {"parameters": {"fileSystemId": file_system}}


def _annotated(kind: str, version: str, name: str, key: str, value: str) -> dict[str, Any]:
    about = {"name": name, "namespace": "retail-forecast", "annotations": {key: value}}
    return {"apiVersion": version, "kind": kind, "metadata": about}
