"""Which service and which severity a message of AWS is about, by the configuration, else by what it names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from jinkies.config import Config
from jinkies.ingest.sns_message import Topic
from jinkies.model import Severity

_DIMENSIONS = (  # what tells a service best comes first
    "ServiceName",
    "FunctionName",
    "ApiName",
    "ApiId",
    "QueueName",
    "LoadBalancer",
    "TargetGroup",
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "TableName",
    "CacheClusterId",
    "StateMachineArn",
    "DeliveryStreamName",
    "StreamName",
    "TopicName",
    "BucketName",
    "AutoScalingGroupName",
    "ClusterName",
)
_WORDS = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "sev1": Severity.CRITICAL,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "p3": Severity.WARNING,
    "sev3": Severity.WARNING,
    "info": Severity.INFO,
}
_WORD = re.compile(r"[A-Za-z0-9]+")

_T = TypeVar("_T")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message comes from, and what the configuration says about such."""

    topic: Topic
    sent_at_ms: int
    config: Config

    def configured_service(self, *names: str) -> str | None:
        """What ``[sns.services]`` says of one of these names, or of the topic."""
        return _matching(self.config.sns.services, (*names, self.topic.arn, self.topic.name))

    def configured_severity(self, *names: str) -> Severity | None:
        """What ``[sns.severities]`` says, likewise."""
        return _matching(self.config.sns.severities, (*names, self.topic.arn, self.topic.name))

    def named_service(self, name: str) -> str | None:
        """The service of the configuration whose name is a part of this one; the longest of several."""
        parts = _parts(name)
        known = [one for one in self.config.services if _holds(parts, _parts(one))]
        return max(known, key=len, default=None)


def severity_in(name: str) -> Severity | None:
    """The severity that a name carries as a word: ``api-p99-critical``; None for none."""
    return next((_WORDS[word] for word in _parts(name) if word in _WORDS), None)


def service_of_dimensions(dimensions: Mapping[str, str]) -> str | None:
    """The name in the dimension that tells a service best; None for none."""
    found = next((dimensions[name] for name in _DIMENSIONS if dimensions.get(name)), None)
    return None if found is None else _short_name(found)


def _short_name(value: str) -> str:
    """``app/web/50dc6c495c0c9188`` (a load balancer) and ``targetgroup/web/73e2`` are web; of an ARN, its last part."""
    if value.startswith("arn:"):
        return value.rpartition(":")[2] or value
    parts = value.split("/")
    return parts[1] if len(parts) == 3 and parts[0] in ("app", "net", "gwy", "targetgroup") else value


def _parts(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[:500])]


def _holds(parts: list[str], wanted: list[str]) -> bool:
    return bool(wanted) and any(parts[at : at + len(wanted)] == wanted for at in range(len(parts) - len(wanted) + 1))


def _matching(table: Mapping[str, _T], names: Iterable[str]) -> _T | None:
    """Of the first name that a pattern fits, what that pattern stands for; patterns in the order of the file."""
    return next((value for name in names for pattern, value in table.items() if fnmatchcase(name, pattern)), None)
