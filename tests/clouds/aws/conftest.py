"""An emulated account of AWS, empty for each test, in which a stranger has things as well."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.cloud import Scope

SCOPE = Scope("retail-forecast", "dev", "ap-southeast-1")


@pytest.fixture(scope="session")
def _clients() -> Account:
    """Made once, for making clients is most of the time that these tests take."""
    return Account(SCOPE, attempts=1)


@pytest.fixture
def account(_clients: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account whose scope is retail-forecast-dev."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        where = {"LocationConstraint": SCOPE.region}
        _clients.call("s3", "create_bucket", Bucket="stranger", CreateBucketConfiguration=where)
        _clients.call("logs", "create_log_group", logGroupName="/aws/eks/retail-forecast-prod/cluster")
        yield _clients
