"""Terraform over a copy of `aws/`, with its provider from a mirror or a download, against an emulated AWS."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from retail_forecast.clouds.local_hosts import free_port

ROOT = Path(__file__).parents[2]
ROOTS = (Path("/opt"), Path("/usr/local/share"), Path("/usr/share"), Path.home() / ".terraform.d")
START_S = 30
PROVIDER = "hashicorp/aws/5.100.0"

NO_MINISTACK = "MiniStack is not installed: make setup-ministack"
NO_TERRAFORM = "Terraform is not installed"
NO_PROVIDER = "Terraform's provider for AWS can be had from no mirror (TF_PLUGIN_MIRROR) and no network"
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True, slots=True)
class Ground:
    """A root of Terraform in `folder`; `variables` are those of the environment that lead it to mirror and emulator."""

    folder: Path
    variables: Mapping[str, str]

    def at(self, folder: Path) -> "Ground":
        """Another root in the same environment."""
        return Ground(folder, self.variables)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """One Terraform command, whatever comes of it."""
        command = ["terraform", f"-chdir={self.folder}", *arguments]
        return subprocess.run(command, env=dict(self.variables), capture_output=True, text=True, check=False)

    def done(self, *arguments: str) -> str:
        """What one Terraform command printed; it must succeed."""
        process = self.run(*arguments)
        assert process.returncode == 0, f"{' '.join(arguments)}\n{process.stdout[-3000:]}{process.stderr[-6000:]}"
        return process.stdout

    def plan(self, profile: str, *options: str) -> dict[str, Any]:
        """The plan for a profile, as `terraform show -json` writes it."""
        file = self.folder / f"{Path(profile).stem}.plan"
        self.done("plan", "-input=false", "-lock=false", f"-var-file={profile}", f"-out={file}", *options)
        plan: dict[str, Any] = json.loads(self.done("show", "-json", str(file)))
        return plan

    def state(self) -> dict[str, Any]:
        """What was made, as `terraform show -json` writes it."""
        state: dict[str, Any] = json.loads(self.done("show", "-json"))
        return state


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a fresh copy of what Terraform reads, and says where `aws/infra` is; its state is a local file."""

    def copy() -> Path:
        root = tmp_path_factory.mktemp("ground")
        shutil.copytree(ROOT / "aws", root / "aws", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        (root / "docs").mkdir()
        shutil.copy(ROOT / "docs/athena.sql", root / "docs")
        (root / "aws/infra/backend_override.tf").write_text(LOCAL_STATE, "utf-8")
        return root / "aws/infra"

    return copy


@pytest.fixture(scope="session")
def opened(aws_server: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ground]:
    """Makes a folder a root of Terraform with its provider, led to the emulated AWS; takes options of `init`."""
    if shutil.which("terraform") is None:
        pytest.skip(NO_TERRAFORM)
    home = tmp_path_factory.mktemp("terraform")
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "AWS_"))}
    variables = outside | {
        "TF_CLI_CONFIG_FILE": str(configuration(home)),
        "TF_PLUGIN_CACHE_DIR": str(home),
        "TF_IN_AUTOMATION": "1",
        "NO_COLOR": "1",
        "AWS_ENDPOINT_URL": aws_server,
        "AWS_REGION": "ap-southeast-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def opening(folder: Path, *options: str) -> Ground:
        ground = Ground(folder, variables)
        process = ground.run("init", "-input=false", *options)
        if process.returncode and "provider" in process.stderr and "query" in process.stderr:
            pytest.skip(NO_PROVIDER)
        assert process.returncode == 0, process.stderr
        return ground

    return opening


def configuration(home: Path) -> Path:
    """A configuration of Terraform's command line that names the mirror, where there is one."""
    given = os.environ.get("TF_PLUGIN_MIRROR")
    mirror = given or next((found.parents[3] for root in ROOTS for found in _providers(root)), None)
    file = home / "terraformrc"
    lines = ["provider_installation {", "  filesystem_mirror {", f'    path = "{mirror}"', "  }", "}", ""]
    file.write_text("\n".join(lines) if mirror else "", "utf-8")
    return file


def _providers(root: Path) -> list[Path]:
    """Where the provider lies in mirrors up to two folders below `root`; a mirror's first folders are registries."""
    return [found for depth in ("*", "*/*", "*/*/*") for found in root.glob(f"{depth}/{PROVIDER}")]


@pytest.fixture(scope="session")
def ground(copied: Callable[[], Path], opened: Callable[..., Ground]) -> Ground:
    """The root, which no test changes."""
    return opened(copied())


@pytest.fixture(scope="session")
def plans(ground: Ground) -> dict[str, dict[str, Any]]:
    """The plans of the profiles, and of one that uses what those two leave alone."""
    rest = Path(__file__).parent / "rest.tfvars"
    return {
        "dev": ground.plan("profiles/dev.tfvars"),
        "prod": ground.plan("profiles/prod.tfvars"),
        "rest": ground.plan(str(rest)),
    }


@pytest.fixture(scope="session")
def applied(copied: Callable[[], Path], opened: Callable[..., Ground]) -> dict[str, Any]:
    """The state after an apply of the roles, and of what they refer to; the rest takes a minute more."""
    made = opened(copied())
    rest = f"-var-file={Path(__file__).parent / 'rest.tfvars'}"
    emulator = "-var-file=profiles/emulator.tfvars"
    parts = ("identity", "training", "security.aws_kms_key.this")
    targets = [f"-target=module.{part}" for part in parts]
    made.done("apply", "-input=false", "-auto-approve", "-parallelism=20", rest, emulator, *targets)
    return made.state()


@pytest.fixture(scope="session")
def iam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of MiniStack's IAM, which simulates policies."""
    program = ROOT / ".venv-ministack/bin/ministack"
    found = str(program) if program.is_file() else shutil.which("ministack")
    if found is None:
        pytest.skip(NO_MINISTACK)
    port = free_port("127.0.0.1")
    # Without the last two it listens on all interfaces.
    bounds = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    told = (tmp_path_factory.mktemp("ministack") / "log").open("w")
    with told, subprocess.Popen([found], env=os.environ | bounds, stdout=told, stderr=told) as emulator:
        try:
            _wait_for(port)
            keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
            yield boto3.client("iam", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **keys)
        finally:
            emulator.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
