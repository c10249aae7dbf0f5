"""What may be asked, with the constraints of the service's published description (botocore's logs/2014-03-28)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from jinkies.simulators.cloudwatch.errors import ServiceError, invalid

GroupName = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[\.\-_/#A-Za-z0-9]+$")]
GroupIdentifier = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[\w#+=/:,.@-]*$")]
StreamName = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[^:*]*$")]
StreamNames = Annotated[list[StreamName], Meta(min_length=1, max_length=100)]
Timestamp = Annotated[int, Meta(ge=0)]
Token = Annotated[str, Meta(min_length=1)]
Pattern = Annotated[str, Meta(max_length=1024)]
Limit = Annotated[int, Meta(ge=1, le=10_000)]


class FilterLogEvents(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``startFromHead`` is younger than most SDKs: they can't send it without help."""

    log_group_name: GroupName | None = None
    log_group_identifier: GroupIdentifier | None = None
    log_stream_names: StreamNames | None = None
    log_stream_name_prefix: StreamName | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    filter_pattern: Pattern = ""
    next_token: Token | None = None
    limit: Limit = 10_000
    interleaved: bool = True  # ignored since 2019
    unmask: bool = False  # ignored: nothing is masked
    start_from_head: bool = True

    def group(self) -> str:
        """Name or ARN. Raises ``ServiceError``: exactly one of both must be given."""
        given = [group for group in (self.log_group_name, self.log_group_identifier) if group is not None]
        if len(given) != 1:
            raise invalid("You must include either logGroupIdentifier or logGroupName, but not both")
        return given[0]


class DescribeLogGroups(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By prefix, by part of the name, by names or ARNs, or all."""

    log_group_name_prefix: GroupName | None = None
    log_group_name_pattern: Annotated[str, Meta(max_length=512, pattern=r"^[\.\-_/#A-Za-z0-9]*$")] | None = None
    log_group_identifiers: Annotated[list[GroupIdentifier], Meta(min_length=1, max_length=50)] | None = None
    next_token: Token | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 50


class StartLiveTail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One to ten groups by ARN."""

    log_group_identifiers: Annotated[list[GroupIdentifier], Meta(min_length=1, max_length=10)]
    log_stream_names: StreamNames | None = None
    log_stream_name_prefixes: StreamNames | None = None
    log_event_filter_pattern: Pattern = ""


class StartQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Logs Insights; times are seconds, inclusive."""

    log_group_name: GroupName | None = None
    log_group_names: list[GroupName] | None = None
    log_group_identifiers: list[GroupIdentifier] | None = None
    start_time: Timestamp
    end_time: Timestamp
    query_string: Annotated[str, Meta(max_length=10_000)]
    query_language: Literal["CWLI", "SQL", "PPL"] = "CWLI"
    limit: Limit | None = None


class GetQueryResults(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Ask how far a query is."""

    query_id: Annotated[str, Meta(min_length=1, max_length=256)]


class StopQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """End one."""

    query_id: Annotated[str, Meta(min_length=1, max_length=256)]


class InputLogEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A line to write."""

    timestamp: Timestamp
    message: Annotated[str, Meta(min_length=1)]


class PutLogEvents(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Lines for one stream, in chronological order."""

    log_group_name: GroupName
    log_stream_name: StreamName
    log_events: Annotated[list[InputLogEvent], Meta(min_length=1, max_length=10_000)]


_Request = TypeVar("_Request", bound=msgspec.Struct)


def decoded(body: bytes, kind: type[_Request]) -> _Request:
    """A request's body. Raises ``ServiceError`` as the service words it, about."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(f"1 validation error detected: {error}") from None
    except msgspec.DecodeError as error:
        raise ServiceError("SerializationException", str(error)) from None
