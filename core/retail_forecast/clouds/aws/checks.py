"""Whether a scope can be set up: tools, credentials, permissions and quotas."""

import json
import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.cloud import Check
from retail_forecast.domain.errors import PlaceError

__all__ = ["QUOTAS", "checks", "permissions"]

_TOOLS = {
    "terraform": "sets up and destroys",
    "kubectl": "deploys",
    "helm": "installs the controllers",
    "aws": "opens the cluster",
}


class Quota(NamedTuple):
    """What an account must be allowed, by AWS's name for it."""

    service: str
    name: str
    least: float
    why: str


QUOTAS = (
    Quota("ec2", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 4, "vCPUs of two serving nodes"),
    Quota("ec2", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 2, "vCPUs of one node for jobs"),
    Quota("vpc", "VPCs per Region", 1, "the network"),
    Quota("eks", "Clusters", 1, "the cluster"),
    Quota("sagemaker", "ml.m5.xlarge for training job usage", 1, "training"),
    Quota("sagemaker", "ml.m5.xlarge for spot training job usage", 1, "training on spot; new accounts often have 0"),
)


def permissions() -> dict[str, list[str]]:
    """Actions that whoever sets up and tears down needs, by service."""
    found: dict[str, list[str]] = json.loads((files(__package__) / "permissions.json").read_text("utf-8"))
    return found


def checks(account: Account) -> list[Check]:
    """All checks; none changes anything."""
    who = _credentials(account)
    found = [*_tools(), who]
    if who.state == "ok":
        found += [_permissions(account, who.found), *_quotas(account)]
    return found


def _tools() -> Iterator[Check]:
    for tool, why in _TOOLS.items():
        if path := shutil.which(tool):
            yield Check(tool, "ok", path)
        else:
            yield Check(tool, "wrong", "not found", f"install {tool}: it {why}")


def _credentials(account: Account) -> Check:
    try:
        arn = account.call("sts", "get_caller_identity")["Arn"]
    except PlaceError as error:
        return Check("credentials", "wrong", error.what, "aws configure sso, or set AWS_PROFILE")
    return Check("credentials", "ok", str(arn))


def _permissions(account: Account, arn: str) -> Check:
    """IAM is asked, without anything being done; what an organisation's policies forbid it does not say."""
    wanted = [f"{service}:{action}" for service, actions in permissions().items() for action in actions]
    try:
        answers = [
            result
            for start in range(0, len(wanted), 100)
            for result in account.call(
                "iam",
                "simulate_principal_policy",
                PolicySourceArn=_source(arn),
                ActionNames=wanted[start : start + 100],
            )["EvaluationResults"]
        ]
    except PlaceError as error:
        return Check("permissions", "unknown", error.what, "allow iam:SimulatePrincipalPolicy to have this checked")
    denied = [a["EvalActionName"] for a in answers if a["EvalDecision"] != "allowed"]
    if denied:
        return Check("permissions", "wrong", f"denied: {', '.join(denied)}", "have them allowed")
    return Check("permissions", "ok", f"{len(wanted)} actions are allowed")


def _source(arn: str) -> str:
    """The role behind a session: IAM simulates roles and users, not sessions."""
    if ":assumed-role/" not in arn:
        return arn
    account, role = arn.split(":")[4], arn.split("/")[1]
    return f"{':'.join(arn.split(':')[:2])}:iam::{account}:role/{role}"


def _quotas(account: Account) -> Iterator[Check]:
    for quota in QUOTAS:
        name = f"quota of {quota.service}: {quota.name}"
        try:
            value = _value(account, quota)
        except PlaceError as error:
            yield Check(
                name, "unknown", error.what, f"look in Service Quotas: at least {quota.least:g} for {quota.why}"
            )
            continue
        if value is None:
            yield Check(name, "unknown", "Service Quotas does not list it", f"at least {quota.least:g} for {quota.why}")
        elif value < quota.least:
            yield Check(name, "wrong", f"{value:g}", f"ask for {quota.least:g}: {quota.why}")
        else:
            yield Check(name, "ok", f"{value:g}")


def _value(account: Account, quota: Quota) -> float | None:
    for page in account.pages("service-quotas", "list_service_quotas", ServiceCode=quota.service):
        for found in page["Quotas"]:
            if found["QuotaName"] == quota.name:
                return float(found["Value"])
    return None
