"""The doctor's checks, over answers that AWS gives and emulators do not."""

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from retail_forecast.cli.main import run
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.checks import QUOTAS, _permissions, _quotas, checks, permissions
from retail_forecast.domain.cloud import Scope

ARN = "arn:aws:sts::123456789012:assumed-role/Admin/me"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account whose clients may be stubbed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    return Account(Scope("retail-forecast", "dev", "ap-southeast-1"), attempts=1)


@pytest.fixture
def iam(own: Account) -> Iterator[Stubber]:
    with Stubber(own.client("iam")) as stub:
        yield stub


def answer(stub: Stubber, decision: str) -> None:
    wanted = [f"{service}:{action}" for service, actions in permissions().items() for action in actions]
    for start in range(0, len(wanted), 100):
        names = wanted[start : start + 100]
        given = {"PolicySourceArn": "arn:aws:iam::123456789012:role/Admin", "ActionNames": names}
        results = [{"EvalActionName": name, "EvalDecision": decision} for name in names]
        stub.add_response("simulate_principal_policy", {"EvaluationResults": results}, given)


def test_a_session_is_asked_for_by_its_role_and_may_do_all(own: Account, iam: Stubber) -> None:
    answer(iam, "allowed")
    assert _permissions(own, ARN).state == "ok"


def test_what_is_denied_is_named(own: Account, iam: Stubber) -> None:
    answer(iam, "implicitDeny")
    check = _permissions(own, ARN)
    assert check.state == "wrong"
    assert "eks:CreateCluster" in check.found


def test_a_simulation_that_is_refused_is_unknown_and_not_ok(own: Account, iam: Stubber) -> None:
    iam.add_client_error("simulate_principal_policy", "AccessDenied")
    assert _permissions(own, ARN).state == "unknown"


def test_quotas_are_compared_with_what_is_needed(own: Account) -> None:
    values = {"ml.m5.xlarge for spot training job usage": 0.0, "ml.m5.xlarge for training job usage": 4.0}
    with Stubber(own.client("service-quotas")) as stub:
        for quota in QUOTAS:
            listed = [{"QuotaName": quota.name, "Value": values[quota.name]}] if quota.name in values else []
            stub.add_response("list_service_quotas", {"Quotas": listed}, {"ServiceCode": quota.service})
        found = {check.name.partition(": ")[2]: check.state for check in _quotas(own)}
    assert found["ml.m5.xlarge for spot training job usage"] == "wrong"
    assert found["ml.m5.xlarge for training job usage"] == "ok"
    assert set(found.values()) == {"ok", "wrong", "unknown"}


def test_without_credentials_nothing_else_is_asked(own: Account) -> None:
    with Stubber(own.client("sts")) as stub:
        stub.add_client_error("get_caller_identity", "ExpiredToken")
        found = checks(own)
    assert found[-1].name == "credentials"
    assert found[-1].state == "wrong"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["up", "--json"], "a machine cannot be asked"),
        (["down", "--json"], "a machine cannot be asked"),
        (["status", "--cloud", "moon"], "there is no cloud 'moon'"),
        (["plan", "--home", "/nowhere"], "there is no ground here"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cloud", *words]) == 2
    shown = capsys.readouterr()
    assert told in shown.out + shown.err
