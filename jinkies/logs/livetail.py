"""StartLiveTail through the aioboto3 driver. Importing this costs aioboto3's import, see ``client.py``.

The driver's event stream ends in four ways: a dropped connection (``aiohttp.ClientPayloadError``), a stall
(``aiohttp.SocketTimeoutError``), an exception in the stream (``EventStreamError``), and a clean end of the loop.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.eventstream import NoInitialResponseError, ParserError
from botocore.exceptions import EventStreamError

from jinkies.config import Config
from jinkies.errors import JinkiesError, UpstreamError
from jinkies.logs.client import DRIVER_ERRORS, error_code, open_driver, translate
from jinkies.logs.fetch import Ask
from jinkies.logs.levels import level_of
from jinkies.logs.quotas import Quotas
from jinkies.logs.sessions import End, LiveSession, LiveUpdate, SessionEnd
from jinkies.logs.targets import group_name
from jinkies.model import LogEvent

CONNECTIONS = 64  # a session holds one for hours; an account has at most 15 sessions unless its quota was raised
DETAIL = 200  # characters of what the service says of an end

_ACTION = "logs:StartLiveTail"
_BROKEN = (aiohttp.ClientError, OSError)
_NONSENSE = (ParserError, NoInitialResponseError, ValueError)

_log = logging.getLogger(__name__)


class LiveTail:
    """A ``LiveSource``. Log groups are asked for by ARN, so those given by name are looked up once."""

    def __init__(self, driver: Any, quotas: Quotas) -> None:  # aiobotocore builds the client's class at run time
        self._driver = driver
        self._quotas = quotas
        self._arns: dict[str, str] = {}

    @asynccontextmanager
    async def session(self, log_groups: tuple[str, ...], pattern: str) -> AsyncIterator[LiveSession]:
        """See ``LiveSource.session``."""
        arns = await self._resolved(log_groups)
        async with self._quotas.turn("StartLiveTail"):
            stream = await self._start(arns, pattern)
        try:
            session = _Session(stream, arns)
            begun = await session.update()  # sessionStart
            if isinstance(begun, SessionEnd):
                raise UpstreamError(f"a Live Tail session ended as it began: {begun.why} {begun.detail}", retry=True)
            try:
                yield session
            finally:
                await session.close()
        finally:
            stream.close()

    async def _start(self, arns: Mapping[str, str], pattern: str) -> Any:
        asked: dict[str, Any] = {"logGroupIdentifiers": list(arns.values())}
        if pattern:
            asked["logEventFilterPattern"] = pattern
        try:
            answer = await self._driver.start_live_tail(**asked)
        except DRIVER_ERRORS as error:
            if error_code(error) == "ResourceNotFoundException":  # one of them is gone: look them up again
                for group in arns:
                    self._arns.pop(group, None)
                raise UpstreamError("a log group of a Live Tail session is gone", retry=True) from error
            raise _translated(error, ", ".join(arns)) from error
        except (*_NONSENSE, *_BROKEN) as error:
            raise UpstreamError(f"Live Tail's answer makes no sense: {_line(error)}", retry=True) from error
        return answer["responseStream"]

    async def _resolved(self, log_groups: tuple[str, ...]) -> dict[str, str]:
        """ARN without ``:*`` by name, of the groups that are there. Raises when none is."""
        for group in log_groups:
            if group not in self._arns:
                arn = group if group.startswith("arn:") else await self._found(group)
                if arn is not None:
                    self._arns[group] = arn
        found = {group_name(group): self._arns[group] for group in log_groups if group in self._arns}
        if not found:
            raise UpstreamError(f"no log group {', '.join(log_groups)} in this account and region", retry=True)
        return found

    async def _found(self, name: str) -> str | None:
        async with self._quotas.turn("DescribeLogGroups"):
            return await self._looked_up(name)

    async def _looked_up(self, name: str) -> str | None:
        """The exact name sorts before all that it is a prefix of (CloudWatch Logs: DescribeLogGroups is sorted)."""
        try:
            answer = await self._driver.describe_log_groups(logGroupNamePrefix=name)
        except DRIVER_ERRORS as error:
            raise _translated(error, name, "logs:DescribeLogGroups") from error
        for group in answer.get("logGroups", ()):
            if group.get("logGroupName") == name:
                return str(group.get("logGroupArn") or group.get("arn", "")).removesuffix(":*")
        return None


class _Session:
    """A ``LiveSession`` on the driver's stream."""

    def __init__(self, stream: Any, arns: Mapping[str, str]) -> None:
        self.log_groups = tuple(arns)
        self._names = {**{arn: name for name, arn in arns.items()}, **{name: name for name in arns}}
        self._frames: AsyncGenerator[dict[str, Any], None] = stream.__aiter__()

    async def update(self) -> LiveUpdate | SessionEnd:
        """See ``LiveSession.update``."""
        try:
            frame = await anext(self._frames)
        except StopAsyncIteration:
            return SessionEnd(End.CLOSED)
        except TimeoutError:  # aiohttp.SocketTimeoutError is one
            return SessionEnd(End.STALLED)
        except EventStreamError as error:
            timed_out = error_code(error) == "SessionTimeoutException"
            return SessionEnd(End.TIMED_OUT if timed_out else End.FAILED, _line(error))
        except _BROKEN as error:
            return SessionEnd(End.DROPPED, _line(error))
        except _NONSENSE as error:
            return SessionEnd(End.FAILED, _line(error))
        update = frame.get("sessionUpdate") or {}
        return LiveUpdate(
            tuple(event for one in update.get("sessionResults") or () if (event := self._event(one)) is not None),
            bool((update.get("sessionMetadata") or {}).get("sampled")),
        )

    async def close(self) -> None:
        """Leave the driver's generator; the stream itself is its opener's."""
        await self._frames.aclose()

    def _event(self, one: Mapping[str, Any]) -> LogEvent | None:
        group = self._group(str(one.get("logGroupIdentifier", "")))
        if group is None:
            _log.warning("Live Tail sent an event of a log group that was not asked for")
            return None
        message = _text(str(one.get("message", "")))
        return LogEvent(
            log_group=group,
            log_stream=str(one.get("logStreamName", "")),
            timestamp_ms=int(one.get("timestamp", 0)),
            ingestion_ms=int(one.get("ingestionTime", 0)),
            message=message,
            level=level_of(message),
        )

    def _group(self, identifier: str) -> str | None:
        """CloudWatch Logs: "the name or ARN of the log group"; seen too: the account's number, a colon, the name."""
        if len(self.log_groups) == 1:
            return self.log_groups[0]
        return self._names.get(identifier.removesuffix(":*")) or self._names.get(identifier.rpartition(":")[2])


@asynccontextmanager
async def open_live_tail(config: Config, quotas: Quotas) -> AsyncIterator[LiveTail]:
    """Live Tail of the configured account, on connections of its own. Raises as ``client.open_client``."""
    async with open_driver(config, connections=CONNECTIONS) as driver:
        yield LiveTail(driver, quotas)


def _translated(error: Exception, groups: str, action: str = _ACTION) -> JinkiesError:
    if action == _ACTION and error_code(error) == "LimitExceededException":  # of sessions, not of requests
        return UpstreamError("as many Live Tail sessions run as this account may have (15, unless raised)", retry=True)
    return translate(error, action, Ask(log_group=groups[:DETAIL], start_ms=0))


def _text(message: str) -> str:
    """A half of a surrogate pair becomes what ``client`` makes of it, so that both name the same event."""
    return message if message.isascii() else message.encode(errors="replace").decode()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:DETAIL]
