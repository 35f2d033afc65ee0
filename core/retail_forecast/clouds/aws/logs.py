"""Lines into a log group of Amazon CloudWatch Logs."""

from collections.abc import Sequence
from datetime import datetime

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import Refusal, Refused

__all__ = ["put_lines"]


def put_lines(account: Account, group: str, stream: str, lines: Sequence[str], now: datetime) -> None:
    """Add lines to a stream, which is made where it is missing, in a group that is there.

    Raises
    ------
    Refused : AWS answered with an error, such as that there is no such group
    PlaceError : AWS could not be reached
    """
    try:
        account.call("logs", "create_log_stream", logGroupName=group, logStreamName=stream)
    except Refused as error:
        if error.kind is not Refusal.EXISTS and error.code != "ResourceAlreadyExistsException":
            raise
    moment = round(now.timestamp() * 1000)
    events = [{"timestamp": moment, "message": line} for line in lines]
    account.call("logs", "put_log_events", logGroupName=group, logStreamName=stream, logEvents=events)
