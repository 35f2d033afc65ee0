"""The manifests of each environment, rendered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

Objects = list[dict[str, Any]]


def render(environment: str) -> str:
    """What `kubectl apply -k` would send."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kubectl = shutil.which("kubectl", path=beside)
    assert kubectl, "kubectl is in requirements-dev.txt"
    command = [kubectl, "kustomize", str(ROOT / "aws/overlays" / environment)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session", params=["dev", "prod"])
def objects(request: pytest.FixtureRequest) -> Objects:
    """The objects of an environment; not to be changed."""
    return list(yaml.safe_load_all(render(request.param)))
