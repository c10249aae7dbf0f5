"""Logs Insights through the aioboto3 driver. Importing this costs aioboto3's import, see ``client.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from botocore.exceptions import ClientError

from jinkies.config import Config
from jinkies.errors import Invalid, JinkiesError, UpstreamError
from jinkies.logs.client import DRIVER_ERRORS, error_code, open_driver, translate
from jinkies.logs.fetch import Ask
from jinkies.logs.insights import Answer
from jinkies.logs.quotas import Quotas

SHOWN_CHARS = 60  # of a query, around its mistake
GROUPS_CHARS = 200  # of their names in a message


class InsightsClient:
    """An ``InsightsSource``."""

    def __init__(self, driver: Any, quotas: Quotas) -> None:  # aiobotocore builds the client's class at run time
        self._driver = driver
        self._quotas = quotas

    async def start(self, groups: tuple[str, ...], query: str, start_s: int, end_s: int, limit: int) -> str:
        """See ``InsightsSource.start``. Names may stand beside ARNs; an ARN has no ``:*`` at its end."""
        async with self._quotas.turn("StartQuery"):
            return await self._started(groups, query, start_s, end_s, limit)

    async def _started(self, groups: tuple[str, ...], query: str, start_s: int, end_s: int, limit: int) -> str:
        by_arn = any(group.startswith("arn:") for group in groups)
        try:
            answer = await self._driver.start_query(
                **{"logGroupIdentifiers" if by_arn else "logGroupNames": list(groups)},
                queryString=query,
                startTime=start_s,
                endTime=end_s,
                limit=limit,
            )
        except DRIVER_ERRORS as error:
            raise _refused(error, query, groups) from error
        return str(answer["queryId"])

    async def results(self, query_id: str) -> Answer:
        """See ``InsightsSource.results``."""
        async with self._quotas.turn("GetQueryResults"):
            try:
                answer = await self._driver.get_query_results(queryId=query_id)
            except DRIVER_ERRORS as error:
                raise translate(error, "logs:GetQueryResults", None) from error
        figures: Mapping[str, float] = answer.get("statistics", {})
        return Answer(
            status=str(answer.get("status", "Unknown")),
            rows=[
                [(str(cell.get("field", "")), str(cell.get("value", ""))) for cell in row]
                for row in answer.get("results", [])
            ],
            records_matched=int(figures.get("recordsMatched", 0)),
            records_scanned=int(figures.get("recordsScanned", 0)),
            bytes_scanned=int(figures.get("bytesScanned", 0)),
        )

    async def stop(self, query_id: str) -> None:
        """See ``InsightsSource.stop``."""
        async with self._quotas.turn("StopQuery"):
            try:
                await self._driver.stop_query(queryId=query_id)
            except DRIVER_ERRORS as error:
                raise translate(error, "logs:StopQuery", None) from error


@asynccontextmanager
async def open_insights(config: Config, quotas: Quotas) -> AsyncIterator[InsightsClient]:
    """Logs Insights of the configured account. Raises as ``client.open_client``."""
    async with open_driver(config) as driver:
        yield InsightsClient(driver, quotas)


def _refused(error: Exception, query: str, groups: tuple[str, ...]) -> JinkiesError:
    code = error_code(error)
    said = _said(error)
    if code == "MalformedQueryException":
        return Invalid(f"query: {said or 'malformed'}{_where(error, query)}")
    if code == "InvalidParameterException":
        return Invalid(f"CloudWatch refuses the query: {said or code}")
    if code == "LimitExceededException":
        return UpstreamError("too many Logs Insights queries run in this account: wait for one to end", retry=True)
    return translate(error, "logs:StartQuery", Ask(log_group=", ".join(groups)[:GROUPS_CHARS], start_ms=0))


def _said(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return ""
    compile_error = error.response.get("queryCompileError", {})
    return " ".join(str(compile_error.get("message") or error.response.get("Error", {}).get("Message", "")).split())[
        :300
    ]


def _where(error: Exception, query: str) -> str:
    """``; at character 8: ❱filed @message | …``, where the service says so."""
    if not isinstance(error, ClientError):
        return ""
    place = error.response.get("queryCompileError", {}).get("location", {})
    start = place.get("startCharOffset")
    if not isinstance(start, int) or not 0 <= start <= len(query):
        return ""
    before = " ".join(query[max(0, start - SHOWN_CHARS // 3) : start].split("\n"))
    return f"; at character {start + 1}: {before}❱{' '.join(query[start : start + SHOWN_CHARS].split())}"
