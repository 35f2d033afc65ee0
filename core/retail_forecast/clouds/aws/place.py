"""AWS as a cloud: Terraform sets up and destroys, AWS itself is asked what is there."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.belongings import belongings
from retail_forecast.clouds.aws.buckets import bucket_names, locked_until
from retail_forecast.clouds.aws.checks import checks
from retail_forecast.clouds.aws.deployment import write_deployment
from retail_forecast.clouds.aws.estimate import estimate
from retail_forecast.clouds.aws.ingress import delete_ingress
from retail_forecast.clouds.aws.outputs import write_outputs
from retail_forecast.clouds.aws.prices import read_prices, read_workload
from retail_forecast.clouds.aws.protection import protected
from retail_forecast.clouds.aws.removal import empty_stores, remove_endpoints, remove_ingress, remove_rest
from retail_forecast.clouds.aws.switches import savings
from retail_forecast.clouds.aws.terraform import Terraform
from retail_forecast.domain.cloud import Check, Estimate, Plan, Remnant, Scope, Tell
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["Aws", "priced"]

_ROUNDS = 3
"""How often destroying is tried: what a controller or a log delivery makes meanwhile stops it."""


@dataclass(frozen=True, slots=True)
class Aws:
    """One scope in an account.

    Parameters
    ----------
    account : credentials and scope
    terraform : the ground of the scope's environment
    home : folder with infra, k8s, overlays and cost
    work : folder for plans and what is written for the cluster
    tell : is told what is being done
    pause : waits for some seconds
    """

    account: Account
    terraform: Terraform
    home: Path
    work: Path
    tell: Tell
    pause: Callable[[float], None]

    @property
    def scope(self) -> Scope:
        """Whose things are meant."""
        return self.account.scope

    def check(self) -> Sequence[Check]:
        """Tools, credentials, permissions, quotas."""
        return checks(self.account)

    def plan(self) -> Plan:
        """What Terraform would change, and what it would cost."""
        self.terraform.init()
        file = self.work / "plan.tfplan"
        shown = self.terraform.plan(file)
        (self.work / "plan.json").write_text(json.dumps(shown), "utf-8")
        actions = ["+".join(change["change"]["actions"]) for change in shown.get("resource_changes", [])]
        changes = {name: actions.count(name) for name in sorted(set(actions) - {"no-op", "read"})}
        return Plan(file, changes, priced(self.home, shown)[0])

    def apply(self, plan: Plan) -> dict[str, Any]:
        """Carry the plan out, keep the outputs, and write the deployment for the cluster."""
        self.terraform.apply(plan.file)
        outputs = self.terraform.outputs()
        write_outputs(self.work, outputs)
        overlay = self.home / "overlays" / self.scope.environment
        if overlay.is_dir():
            outputs["deployment"] = str(write_deployment(self.work / "k8s", overlay, outputs))
        return outputs

    def protected(self) -> Sequence[str]:
        """Buckets with the tag Protected, and tables with deletion protection."""
        return protected(self.account)

    def tear_down(self) -> None:
        """Ingress and load balancers, contents of buckets, repositories and groups of models, Terraform, then the rest.

        Raises
        ------
        PlaceError : Terraform could not destroy in three rounds
        """
        self.terraform.init()
        delete_ingress(self.account, self.work, "retail-forecast", self.tell)
        for left in reversed(range(_ROUNDS)):
            remove_endpoints(self.account, self.tell)
            remove_ingress(self.account, self.tell, self.pause)
            empty_stores(self.account, self.tell)
            for name in bucket_names(self.account):
                if end := locked_until(self.account, name):
                    self.tell(f"bucket {name} is locked until {end}: it stays")
                    self.terraform.forget_bucket(name)
            try:
                self.terraform.destroy()
                break
            except PlaceError as error:
                if not left:
                    raise
                self.tell(f"trying again: {error.what}")
        remove_rest(self.account, self.tell)

    def remnants(self) -> Sequence[Remnant]:
        """All that the scope has."""
        return belongings(self.account)


def priced(home: Path, plan: dict[str, Any]) -> tuple[Estimate, dict[str, float]]:
    """What a month would cost after a plan (as `terraform show -json` says it), and what each switch would save.

    Raises
    ------
    UsageError : prices, workload and plan do not fit together
    """
    prices, workload = read_prices(home / "cost/prices.json"), read_workload(home / "cost/workload.yaml")
    region = plan.get("variables", {}).get("region", {}).get("value", prices.region)
    if region != prices.region:
        raise UsageError(
            f"the prices are those of {prices.region}, the plan is for {region}",
            where=str(home / "cost/prices.json"),
            mend="enter the prices of that region",
        )
    return estimate(plan, prices, workload), savings(plan, prices, workload)
