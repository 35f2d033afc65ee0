"""The cluster of an environment, reached by kubectl and helm as the programs that they are."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["Cluster", "open_cluster"]

_SHOWN = 600
"""Characters of a failure that are told."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that can be spoken to.

    Attributes
    ----------
    name : of the cluster
    kubeconfig : file with the way to it; the user's own settings of kubectl stay as they are
    """

    name: str
    kubeconfig: Path

    def run(self, *command: str, given: str | None = None) -> str:
        """What a command prints; `given` is what it reads.

        Raises
        ------
        UsageError : the program is not installed
        PlaceError : it failed
        """
        if shutil.which(command[0]) is None:
            raise UsageError(f"{command[0]} is not installed", where="PATH", mend=f"install {command[0]}")
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-_SHOWN:]
            raise PlaceError(
                f"{' '.join(command[:3])} failed: {said}", where=self.name, mend="mend the cause, then repeat it"
            )
        return done.stdout


def open_cluster(account: Account, folder: Path) -> Cluster | None:
    """The cluster of the scope, the way to it written into `folder`; None where there is no such cluster.

    Raises
    ------
    UsageError : the AWS command line is not installed
    PlaceError : the way to it cannot be written
    """
    name = account.scope.name
    if name not in account.call("eks", "list_clusters")["clusters"]:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(name, folder / "kubeconfig")
    cluster.run("aws", "eks", "update-kubeconfig", "--name", name, "--region", account.scope.region)
    return cluster
