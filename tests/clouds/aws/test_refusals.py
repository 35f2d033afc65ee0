"""What AWS refuses is told as what it is, with what to do about it."""

import re

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, TokenRetrievalError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import Refusal, Refused, told_as_refused
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import PlaceError

REFUSED = (
    ("AccessDeniedException", "not authorized to perform: sagemaker:X", Refusal.PERMISSION, "have the action allowed"),
    ("ExpiredTokenException", "The security token is expired", Refusal.CREDENTIALS, "sign in again"),
    ("ResourceLimitExceeded", "limit is 0 Instances", Refusal.QUOTA, "Service Quotas"),
    ("InsufficientInstanceCapacity", "", Refusal.CAPACITY, "on-demand"),
    ("ThrottlingException", "Rate exceeded", Refusal.THROTTLED, "in a minute"),
    ("ValidationException", "Requested resource not found.", Refusal.ABSENT, "correct the name"),
    ("ResourceInUse", "Training job names must be unique", Refusal.EXISTS, "another name"),
    ("ValidationException", "1 validation error detected", Refusal.OTHER, "cloud doctor"),
)


@pytest.mark.parametrize(("code", "message", "kind", "mend"), REFUSED)
def test_a_refusal_is_told_with_its_cause_and_what_to_do(code: str, message: str, kind: Refusal, mend: str) -> None:
    account = Account(Scope("retail-forecast", "dev", "ap-southeast-1"), attempts=1)
    with Stubber(account.client("sagemaker")) as stub:
        stub.add_client_error("describe_training_job", code, message)
        with pytest.raises(Refused, match=re.escape(code)) as told:
            account.call("sagemaker", "describe_training_job", TrainingJobName="a")
    assert told.value.code == code
    assert told.value.kind is kind
    assert told.value.where == "sagemaker:describe_training_job"
    assert mend in told.value.mend


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (NoCredentialsError(), "sign in again"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), "sign in again"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "AWS_ENDPOINT_URL"),
    ],
)
def test_no_way_to_aws_is_told_with_what_to_do(error: Exception, mend: str) -> None:
    with pytest.raises(PlaceError) as told, told_as_refused("sts:get_caller_identity"):
        raise error
    assert not isinstance(told.value, Refused)
    assert mend in told.value.mend


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(KeyError), told_as_refused("x"):
        raise KeyError


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with pytest.raises(PlaceError, match="no answer of AWS") as told, told_as_refused("iam:list_users"):
        raise ResponseParserError("Unable to parse response, invalid XML received: <!doctype html>")
    assert told.value.where == "iam:list_users"
    assert "AWS_ENDPOINT_URL" in told.value.mend
