"""An account of AWS: one client for each service; calls are tried again when AWS throttles or fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from retail_forecast.clouds.aws.refusals import Refusal, Refused, told_as_refused
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import UsageError

__all__ = ["Account"]

_ATTEMPTS = 5


class Account:
    """The account that the environment's credentials lead to (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, ...).

    Parameters
    ----------
    scope : whose things are meant, and the region
    attempts : how often a call is tried before its failure is told
    """

    def __init__(self, scope: Scope, attempts: int = _ATTEMPTS) -> None:
        self.scope = scope
        self._attempts = attempts
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types of its own
        """The client of a service.

        Raises
        ------
        UsageError : boto3 is not installed
        """
        if service not in self._clients:
            try:
                import boto3
                from botocore.config import Config
            except ModuleNotFoundError as error:
                raise UsageError(
                    "boto3 is not installed", where="--cloud aws", mend="pip install 'retail-forecast[aws]'"
                ) from error
            settings = Config(retries={"mode": "standard", "total_max_attempts": self._attempts})
            self._clients[service] = boto3.client(service, region_name=self.scope.region, config=settings)
        return self._clients[service]

    def call(self, service: str, operation: str, **given: object) -> dict[str, Any]:
        """Answer of one operation.

        Raises
        ------
        Refused : AWS answered with an error
        PlaceError : AWS could not be reached
        """
        with told_as_refused(f"{service}:{operation}"):
            answer: dict[str, Any] = getattr(self.client(service), operation)(**given)
            return answer

    def make(self, service: str, operation: str, **given: object) -> None:
        """Carry out an operation that makes a thing, unless there is one of its name.

        Raises
        ------
        Refused : AWS answered with another error
        PlaceError : AWS could not be reached
        """
        try:
            self.call(service, operation, **given)
        except Refused as error:
            if error.kind is not Refusal.EXISTS:
                raise

    def pages(self, service: str, operation: str, **given: object) -> Iterator[dict[str, Any]]:
        """Answers of an operation that may come in pages.

        Raises
        ------
        Refused : AWS answered with an error
        PlaceError : AWS could not be reached
        """
        client = self.client(service)
        if not client.can_paginate(operation):
            yield self.call(service, operation, **given)
            return
        with told_as_refused(f"{service}:{operation}"):
            yield from client.get_paginator(operation).paginate(**given)

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether tags say that a thing is of the scope: Terraform's own, EKS's or the load balancer controller's."""
        name = self.scope.name
        ours = tags.get("Project") == self.scope.project and tags.get("Environment") == self.scope.environment
        return ours or f"kubernetes.io/cluster/{name}" in tags or tags.get("elbv2.k8s.aws/cluster") == name
