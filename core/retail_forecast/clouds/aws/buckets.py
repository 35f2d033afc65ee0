"""Buckets of a scope: which are guarded, how they are emptied, and until when a lock keeps what is left.

A bucket is empty when no version, no delete marker and no unfinished upload is in it. Locked versions are left: a lock
is never bypassed.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import Refused

__all__ = ["bucket_names", "empty_bucket", "locked_until", "protected_buckets"]

_AT_ONCE = 1000
"""Most objects that DeleteObjects takes."""

_ASKED = 100
"""A lock begins when a version is written, so that the newest ones are locked longest; these many are asked."""


def bucket_names(account: Account) -> list[str]:
    """Names of the buckets of the scope."""
    found = [bucket["Name"] for page in account.pages("s3", "list_buckets") for bucket in page.get("Buckets", [])]
    return [name for name in found if name.startswith(f"{account.scope.name}-")]


def protected_buckets(account: Account) -> list[str]:
    """Buckets that carry the tag Protected = true."""
    return [name for name in bucket_names(account) if _tags(account, name).get("Protected") == "true"]


def empty_bucket(account: Account, name: str) -> int:
    """Delete what is in a bucket and not locked; returns how many versions went."""
    for page in account.pages("s3", "list_multipart_uploads", Bucket=name):
        for upload in page.get("Uploads", []):
            account.call("s3", "abort_multipart_upload", Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    gone = 0
    found = [(v["Key"], v["VersionId"]) for v in _found(account, name, "Versions", "DeleteMarkers")]
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        wanted = {"Objects": [{"Key": key, "VersionId": version} for key, version in some], "Quiet": True}
        answer = account.call("s3", "delete_objects", Bucket=name, Delete=wanted)
        gone += len(some) - len(answer.get("Errors", []))
    return gone


def locked_until(account: Account, name: str) -> date | None:
    """The last day on which a lock keeps a version of the bucket; None without a lock or a version."""
    try:
        account.call("s3", "get_object_lock_configuration", Bucket=name)
    except Refused as error:
        if error.code == "ObjectLockConfigurationNotFoundError":
            return None
        raise
    newest = sorted(_found(account, name, "Versions"), key=lambda found: found["LastModified"])[-_ASKED:]
    ends = [end for found in newest if (end := _end_of_lock(account, name, found))]
    return max(ends, default=None)


def _end_of_lock(account: Account, name: str, found: dict[str, Any]) -> date | None:
    about = account.call("s3", "head_object", Bucket=name, Key=found["Key"], VersionId=found["VersionId"])
    end: datetime | None = about.get("ObjectLockRetainUntilDate")
    return end.date() if end else None


def _found(account: Account, name: str, *kinds: str) -> Iterator[dict[str, Any]]:
    for page in account.pages("s3", "list_object_versions", Bucket=name):
        for kind in kinds:
            yield from page.get(kind, [])


def _tags(account: Account, name: str) -> dict[str, str]:
    try:
        found = account.call("s3", "get_bucket_tagging", Bucket=name)
    except Refused as error:
        if error.code == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in found["TagSet"]}
