"""The ingress of the cluster, deleted by Kubernetes: while it stands, its controller makes the load balancer again.

It is a courtesy. Where kubectl, the AWS command line or the cluster is missing, load balancers are deleted through AWS
alone, and once more after the cluster is gone.
"""

from pathlib import Path

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.cluster import open_cluster
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["delete_ingress"]

_PATIENCE_S = 300


def delete_ingress(account: Account, folder: Path, namespace: str, tell: Tell) -> None:
    """Ask the scope's cluster, if it can be reached, to delete every ingress of `namespace`, and wait.

    `folder` is where the way to the cluster is written.
    """
    try:
        cluster = open_cluster(account, folder)
        if cluster is None:
            return
        wait = f"--timeout={_PATIENCE_S}s"
        cluster.run("kubectl", "delete", "ingress", "--all", "--namespace", namespace, wait)
    except (UsageError, PlaceError) as error:
        tell(f"load balancers are deleted without the cluster's help: {error}")
        return
    tell("the cluster has deleted its ingress")
