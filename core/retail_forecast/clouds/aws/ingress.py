"""The ingress of the cluster, deleted by Kubernetes: while it stands, its controller makes the load balancer again.

It is a courtesy. Where kubectl, the AWS command line or the cluster is missing, load balancers are deleted through AWS
alone, and once more after the cluster is gone.
"""

import os
import shutil
import subprocess
from pathlib import Path

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.cloud import Tell

__all__ = ["delete_ingress"]

_PATIENCE_S = 300


def delete_ingress(account: Account, folder: Path, namespace: str, tell: Tell) -> None:
    """Ask the scope's cluster, if it can be reached, to delete every ingress of `namespace`, and wait.

    `folder` is where the way to the cluster is written, so that the user's own settings of kubectl stay as they are.
    """
    name = account.scope.name
    if name not in account.call("eks", "list_clusters")["clusters"]:
        return
    if not (shutil.which("kubectl") and shutil.which("aws")):
        tell("kubectl or aws is missing: load balancers are deleted without the cluster's help")
        return
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"KUBECONFIG": str(folder / "kubeconfig")}
    for command in (
        ["aws", "eks", "update-kubeconfig", "--name", name, "--region", account.scope.region],
        ["kubectl", "delete", "ingress", "--all", "--namespace", namespace, f"--timeout={_PATIENCE_S}s"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            tell(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-300:]}")
            return
    tell("the cluster has deleted its ingress")
