"""Use cases of a cloud: set up after a look at the price, tear down and prove that nothing is left."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retail_forecast.domain.cloud import Cloud, Estimate, Plan, Remnant, Scope, Standing, Tell
from retail_forecast.domain.errors import LeftoverError, PlaceError, UsageError

if TYPE_CHECKING:
    from retail_forecast.clouds.aws.rollout import Rollout

__all__ = ["Ground", "cost_of", "deploy", "down", "open_cloud", "roll_back", "up"]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a cloud's ground is described, and which environment of it is meant.

    Attributes
    ----------
    home : folder that holds infra, k8s, overlays and cost
    backend : where Terraform's state lies, as `-backend-config` takes it
    work : folder for plans
    """

    home: Path
    scope: Scope
    backend: tuple[str, ...]
    work: Path


def open_cloud(name: str, ground: Ground, tell: Tell) -> Cloud:
    """The cloud of that name.

    Raises
    ------
    UsageError : there is none, or its ground is not here
    """
    if name != "aws":
        raise UsageError(f"there is no cloud {name!r}", where="--cloud", mend="--cloud aws")
    from retail_forecast.clouds.aws.account import Account
    from retail_forecast.clouds.aws.place import Aws
    from retail_forecast.clouds.aws.terraform import Terraform

    infra = ground.home / "infra"
    if not (infra / "main.tf").is_file():
        raise UsageError(
            "there is no ground here", where=str(infra), mend="run it in a checkout, or name it with --home"
        )
    profile = infra / "profiles" / f"{ground.scope.environment}.tfvars"
    terraform = Terraform(infra, profile, ground.backend, tell)
    return Aws(Account(ground.scope), terraform, ground.home, ground.work, tell, time.sleep)


def deploy(ground: Ground, digests: Mapping[str, str], ready_s: float, watch_s: float, tell: Tell) -> None:
    """Bring controllers, manifests and the images of `digests` (server, train) to the environment's cluster on AWS.

    Pods have `ready_s` to become ready; then the environment's alarms are watched for `watch_s` [s].

    Raises
    ------
    UsageError : the environment was not set up from here, or a digest does not fit
    PlaceError : the cluster is not there, or the rollout did not do well and was undone
    """
    from retail_forecast.clouds.aws.outputs import OUTPUTS, read_outputs
    from retail_forecast.clouds.aws.rollout import pin_images

    charts = read_outputs(ground.work / OUTPUTS).controllers
    pin_images(ground.work / "k8s", digests)
    rollout = _rollout(ground, ready_s, watch_s, tell)
    rollout.controllers(charts)
    rollout.apply(ground.work / "k8s")


def roll_back(ground: Ground, ready_s: float, tell: Tell) -> None:
    """Put the server's pods of before the last deployment back in force.

    Raises
    ------
    PlaceError : the cluster is not there, or there is nothing to go back to
    """
    _rollout(ground, ready_s, 0, tell).undo()


def _rollout(ground: Ground, ready_s: float, watch_s: float, tell: Tell) -> "Rollout":
    from retail_forecast.clouds.aws.account import Account
    from retail_forecast.clouds.aws.cluster import open_cluster
    from retail_forecast.clouds.aws.rollout import Rollout

    account = Account(ground.scope)
    cluster = open_cluster(account, ground.work)
    if cluster is None:
        raise PlaceError("there is no cluster of this name", where=ground.scope.name, mend="retail-forecast cloud up")
    return Rollout(account, cluster, tell, ready_s, watch_s)


def cost_of(home: Path, plan: Path) -> tuple[Estimate, dict[str, float]]:
    """What a month would cost after a plan in a file, and what each switch would save.

    Raises
    ------
    UsageError : the file is no plan
    """
    from retail_forecast.clouds.aws.place import priced

    try:
        shown = json.loads(plan.read_text("utf-8"))
        return priced(home, shown)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"not a plan: {error}", where=str(plan), mend="terraform show -json PLAN > FILE") from error


def up(cloud: Cloud, agreed: Callable[[Plan], bool]) -> dict[str, Any] | None:
    """Set up what is missing, once somebody has agreed to the plan and its price; None when nobody did."""
    plan = cloud.plan()
    return cloud.apply(plan) if agreed(plan) else None


def down(cloud: Cloud, agreed: Callable[[Sequence[Remnant]], bool], tell: Tell) -> tuple[Remnant, ...] | None:
    """Tear down once somebody has agreed to what will go; returns what only time removes, None when nobody agreed.

    Raises
    ------
    PlaceError : something is protected; nothing was touched
    LeftoverError : something still stands
    """
    if guarded := cloud.protected():
        raise PlaceError(
            f"protected against teardown: {', '.join(guarded)}",
            where=cloud.scope.name,
            mend="set protect_data = false and apply it, once nobody needs these data any more",
        )
    if not agreed(cloud.remnants()):
        return None
    failure = None
    try:
        cloud.tear_down()
    except PlaceError as error:
        failure = error
        tell(str(error))
    left = cloud.remnants()
    if standing := [remnant for remnant in left if remnant.standing == Standing.STANDS]:
        raise LeftoverError(
            f"{len(standing)} things still stand: {'; '.join(map(str, standing))}",
            where=cloud.scope.name,
            mend="repeat the command: it goes on; what then remains, delete by hand",
        ) from failure
    if failure is not None:
        raise failure
    return tuple(left)
