"""Terraform, called as the program that it is, in the folder that holds the ground and for one environment."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["Terraform"]

_SHOWN = 12
"""Lines of a failure that are told."""


@dataclass(frozen=True, slots=True)
class Terraform:
    """The ground of one environment.

    Parameters
    ----------
    folder : where main.tf lies
    profile : file of variables of the environment
    backend : what `terraform init -backend-config` takes, each `key=value` or a file
    tell : is told each line of what Terraform does
    """

    folder: Path
    profile: Path
    backend: Sequence[str]
    tell: Tell

    def init(self) -> None:
        """Get providers and state.

        Raises
        ------
        UsageError : Terraform or the profile is missing
        PlaceError : Terraform failed
        """
        if not self.profile.is_file():
            raise UsageError(
                "there is no profile of that name", where=str(self.profile), mend="make it, or name another"
            )
        self._run("init", "-reconfigure", *(f"-backend-config={given}" for given in self.backend))

    def plan(self, file: Path) -> dict[str, Any]:
        """Work out what would be changed into `file`; returns the plan as `terraform show -json` says it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._run("plan", f"-out={file.resolve()}", f"-var-file={self.profile.resolve()}")
        shown: dict[str, Any] = json.loads(self._ask("show", "-json", str(file.resolve())))
        return shown

    def apply(self, file: Path) -> None:
        """Carry a plan out."""
        self._run("apply", str(file.resolve()))

    def destroy(self) -> None:
        """Remove all that the state knows."""
        self._run("destroy", "-auto-approve", f"-var-file={self.profile.resolve()}")

    def outputs(self) -> dict[str, Any]:
        """Values of the outputs."""
        found = json.loads(self._ask("output", "-json"))
        return {name: output["value"] for name, output in found.items()}

    def forget_bucket(self, name: str) -> None:
        """Take a bucket and its settings out of the state: it stays, for a lock keeps what is in it."""
        state = json.loads(self._ask("show", "-json"))
        gone = [r["address"] for r in _resources(state.get("values", {}).get("root_module", {})) if _of_bucket(r, name)]
        if gone:
            self._run("state", "rm", *gone)

    def _ask(self, *words: str) -> str:
        """What Terraform answers, apart from what it remarks."""
        done = subprocess.run(self._command(*words), env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise self._failed(words[0], done.stderr.splitlines())
        return done.stdout

    def _run(self, *words: str) -> None:
        """Have Terraform do something, and tell what it says meanwhile."""
        said: list[str] = []
        with subprocess.Popen(
            self._command(*words), env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            for line in process.stdout:
                said.append(line)
                if line.strip():
                    self.tell(line.rstrip())
        if process.returncode:
            raise self._failed(words[0], said)

    def _command(self, *words: str) -> list[str]:
        program = shutil.which("terraform")
        if program is None:
            raise UsageError("Terraform is not installed", where="PATH", mend="install Terraform 1.11 or newer")
        return [program, f"-chdir={self.folder.resolve()}", *words]

    def _failed(self, verb: str, said: Sequence[str]) -> PlaceError:
        return PlaceError(
            f"terraform {verb} failed: {_last(said)}",
            where=str(self.folder),
            mend="repeat the command once the cause is mended: it goes on where it stopped",
        )


def _environment() -> dict[str, str]:
    return os.environ | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "-no-color"}


def _last(said: Sequence[str]) -> str:
    """The errors that Terraform told, else its last lines."""
    told = [line.strip(" │╷╵\n") for line in said]
    told = [line for line in told if line]
    first = next((number for number, line in enumerate(told) if line.startswith("Error")), max(len(told) - _SHOWN, 0))
    return " ".join(told[first : first + _SHOWN])


def _resources(module: Mapping[str, Any]) -> list[dict[str, Any]]:
    below = [r for child in module.get("child_modules", []) for r in _resources(child)]
    return [*module.get("resources", []), *below]


def _of_bucket(resource: Mapping[str, Any], name: str) -> bool:
    return str(resource["type"]).startswith("aws_s3_bucket") and resource["values"].get("bucket") == name
