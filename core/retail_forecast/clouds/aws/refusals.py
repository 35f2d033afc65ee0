"""What AWS refused, told as one of ours: which kind of refusal it is, and what to do about it.

Codes are those of the services' own references ("Common Errors" of each API, and "Error responses" of Amazon S3). A job
that failed bears the same words in its failure reason.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from retail_forecast.domain.errors import PlaceError

__all__ = ["Refusal", "Refused", "mend_of", "refusal_of", "told_as_refused"]


class Refusal(StrEnum):
    """Why AWS does not do what it was asked."""

    PERMISSION = "permission"
    CREDENTIALS = "credentials"
    QUOTA = "quota"
    CAPACITY = "capacity"
    THROTTLED = "throttled"
    ABSENT = "absent"
    EXISTS = "exists"
    OTHER = "other"


_CODES = {
    Refusal.PERMISSION: "AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError Forbidden 403",
    Refusal.CREDENTIALS: "ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId InvalidToken "
    "UnrecognizedClientException InvalidAccessKeyId SignatureDoesNotMatch AuthFailure",
    Refusal.QUOTA: "ResourceLimitExceeded LimitExceededException LimitExceeded ServiceQuotaExceededException "
    "VcpuLimitExceeded TooManyBuckets",
    Refusal.CAPACITY: "CapacityError InsufficientInstanceCapacity InsufficientCapacityException "
    "InsufficientHostCapacity",
    Refusal.THROTTLED: "Throttling ThrottlingException ThrottledException TooManyRequestsException "
    "RequestLimitExceeded RequestThrottled SlowDown ProvisionedThroughputExceededException",
    Refusal.ABSENT: "ResourceNotFound ResourceNotFoundException NotFoundException NoSuchKey NoSuchBucket NoSuchEntity "
    "EntityNotFoundException NotFound 404",
    Refusal.EXISTS: "ResourceInUse ResourceInUseException EntityAlreadyExists AlreadyExistsException ConflictException "
    "ResourceAlreadyExistsException",
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

_MENDS = {
    Refusal.PERMISSION: "have the action allowed that is named here; `retail-forecast cloud doctor --cloud aws` shows "
    "who you are and what you may do",
    Refusal.CREDENTIALS: "sign in again (`aws sso login`, or fresh AWS_* variables), then repeat the command: it goes "
    "on where it stopped",
    Refusal.QUOTA: "ask for more in Service Quotas, or take another instance type or fewer hosts",
    Refusal.CAPACITY: "repeat the command later, or take another instance type, or on-demand instances in place of "
    "spot ones",
    Refusal.THROTTLED: "repeat the command in a minute: it goes on where it stopped",
    Refusal.ABSENT: "correct the name or the region, or make it first (`retail-forecast cloud up --cloud aws`)",
    Refusal.EXISTS: "take another name, or use what is there",
    Refusal.OTHER: "`retail-forecast cloud doctor --cloud aws` shows credentials and permissions",
}

_UNNAMED_ABSENT = ("Requested resource not found", "Could not find")
"""How SageMaker says that there is no such job, package or endpoint, under the code ValidationException."""

_UNNAMED_EXISTS = "already exist"
"""How it says under the same code that there is such a model or configuration: "Cannot create already existing"."""


class Refused(PlaceError):
    """AWS answered with an error; `code` is AWS's own, `kind` says which kind of refusal it is."""

    def __init__(self, code: str, message: str, where: str) -> None:
        self.code = code
        self.kind = refusal_of(code, message)
        super().__init__(f"AWS refused: {code} {message}".strip(), where=where, mend=_MENDS[self.kind])


def refusal_of(code: str, message: str = "") -> Refusal:
    """The kind of a refusal.

    >>> refusal_of("ResourceLimitExceeded"), refusal_of("ValidationException", "Requested resource not found.")
    (<Refusal.QUOTA: 'quota'>, <Refusal.ABSENT: 'absent'>)
    """
    if code == "ValidationException" and message.startswith(_UNNAMED_ABSENT):
        return Refusal.ABSENT
    if code == "ValidationException" and _UNNAMED_EXISTS in message:
        return Refusal.EXISTS
    return _KINDS.get(code, Refusal.OTHER)


def mend_of(kind: Refusal) -> str:
    """What to do about a refusal."""
    return _MENDS[kind]


@contextmanager
def told_as_refused(where: str) -> Iterator[None]:
    """Turn the errors of boto3 into ours, which name `where`.

    Raises
    ------
    Refused : AWS answered with an error
    PlaceError : AWS could not be asked: no credentials, or no way to it; or something else answered
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (ClientError, Boto3Error) as error:
        # A transfer tells what S3 answered as text only; the answer itself is behind it.
        answer = error if isinstance(error, ClientError) else error.__context__
        refused = answer.response.get("Error", {}) if isinstance(answer, ClientError) else {"Message": str(error)}
        raise Refused(refused.get("Code", ""), refused.get("Message", ""), where) from error
    except BotoCoreError as error:
        raise PlaceError(f"AWS could not be asked: {error}", where=where, mend=_way(error)) from error
    except ResponseParserError as error:
        # A proxy's page, or an emulator that does not know the call.
        raise PlaceError("what came back is no answer of AWS", where=where, mend=_way(error)) from error


def _way(error: Exception) -> str:
    from botocore import exceptions

    unknown = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError)
    if isinstance(error, (*unknown, exceptions.SSOError, exceptions.TokenRetrievalError)):
        return _MENDS[Refusal.CREDENTIALS]
    return "check the network and AWS_ENDPOINT_URL, then `retail-forecast cloud doctor --cloud aws`"
