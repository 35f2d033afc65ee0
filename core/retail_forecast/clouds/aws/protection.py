"""What a scope has that must not be torn down as it is: its owner has said so, by a tag or by AWS's own protection."""

from collections.abc import Iterator

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.buckets import protected_buckets

__all__ = ["protected"]


def protected(account: Account) -> list[str]:
    """Buckets with the tag Protected = true, and tables with deletion protection."""
    return [*protected_buckets(account), *_tables(account)]


def _tables(account: Account) -> Iterator[str]:
    for page in account.pages("dynamodb", "list_tables"):
        for name in (n for n in page["TableNames"] if n.startswith(f"{account.scope.name}-")):
            if account.call("dynamodb", "describe_table", TableName=name)["Table"].get("DeletionProtectionEnabled"):
                yield name
