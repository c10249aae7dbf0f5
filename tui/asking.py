"""A query of the query screen: what was asked, what came of it, and the words for both; and what was asked before."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

import msgspec

from jinkies.errors import JinkiesError
from jinkies.model import QueryProgress, QuerySpec, QueryState
from jinkies.operator import Operator
from jinkies.words import number_of
from tui import theme
from tui.trouble import words_of

HISTORY = 200  # queries
HISTORY_BYTES = 2_000_000
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{3}))?")  # as Logs Insights writes times, UTC


class Stage(Enum):
    """Of a query."""

    RUNNING = auto()
    DONE = auto()
    STOPPED = auto()  # by the person at the console
    FAILED = auto()


class Asking:
    """One query, from its start to its last row."""

    def __init__(self, spec: QuerySpec) -> None:
        self.spec = spec
        self.stage = Stage.RUNNING
        self.progress = QueryProgress(state=QueryState.SCHEDULED)
        self.trouble = ""
        self.changes = 0  # moves whenever there is something new to draw

    async def run(self, operator: Callable[[], Operator]) -> None:
        """Ask, and take what comes; cancelled, the query is ended at the service."""
        stage = Stage.STOPPED  # unless it comes to its end
        try:
            async with operator().query_logs(self.spec) as progress:
                async for self.progress in progress:
                    self.changes += 1
            stage = Stage.DONE if self.progress.state is QueryState.COMPLETE else Stage.FAILED
        except JinkiesError as error:
            stage, self.trouble = Stage.FAILED, words_of(error)
        finally:
            self.stage = stage
            self.changes += 1

    def state(self) -> tuple[str, str]:
        """Whether these are all rows, in words; and a colour."""
        rows, count = len(self.progress.rows), row_words(len(self.progress.rows))
        match self.stage:
            case Stage.RUNNING:
                found = f" · {count} so far" if rows else ""
                word = "SCHEDULED" if self.progress.state is QueryState.SCHEDULED else "RUNNING"
                return f"{word} {self.progress.elapsed_ms // 1000} s{found}", theme.WARN_COLOUR
            case Stage.STOPPED:
                return "STOPPED · these are not all rows" if rows else "STOPPED", theme.WARN_COLOUR
            case Stage.FAILED:
                return "FAILED · these are not all rows" if rows else "FAILED", theme.BAD_COLOUR
        if self.progress.cut:
            return f"CUT AT THE LIMIT · {count}, there may be more", theme.WARN_COLOUR
        return f"COMPLETE · {count}", theme.OK_COLOUR

    def figures(self) -> str:
        """What was matched, scanned and, should it go on in spite of trouble, why."""
        progress = self.progress
        if self.stage is Stage.RUNNING and progress.trouble:
            return progress.trouble
        records = f"{progress.records_matched:,} of {progress.records_scanned:,} records matched"
        return f"{records} · {size(progress.bytes_scanned)} scanned · {progress.elapsed_ms / 1000:.1f} s"


def row_words(count: int) -> str:
    """``1 row``, ``1,204 rows``."""
    return number_of(count, "row")


def size(count: int) -> str:
    """``999 B``, ``1.2 MB``, ``3.4 GB``: decimal, as AWS counts what it bills."""
    for unit, bytes_ in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= bytes_:
            return f"{count / bytes_:,.1f} {unit}"
    return f"{count} B"


def place_of(
    columns: Sequence[str], row: Sequence[str], targets: tuple[str, ...]
) -> tuple[tuple[str, ...], int] | None:
    """Where a row's lines are: log groups or services, and the moment; None when the row names no moment.

    ``@log`` is ``<account>:<group>``; without it, it is one of those that were asked. ``@timestamp`` is taken before
    other columns that hold a time, as ``bin(5m)`` does.
    """
    named = dict(zip(columns, row, strict=True))
    moments = [moment_ms(text) for text in (named.get("@timestamp", ""), *row)]
    at_ms = next((moment for moment in moments if moment is not None), None)
    if at_ms is None:
        return None
    group = named.get("@log", "").rpartition(":")[2]
    return ((group,) if group else targets), at_ms


def moment_ms(text: str) -> int | None:
    """``2026-01-01 00:00:00.123`` → milliseconds; None for another text."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int(found[2] or 0)


class Entry(msgspec.Struct, frozen=True):
    """A query that was asked."""

    query: str
    targets: str
    since: str


class History:
    """Queries asked before, oldest first, each once; kept in a file that only its owner may read.

    The oldest are let go beyond ``HISTORY``. A file that can't be read or written is no reason to ask nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: list[Entry] = []
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
            with path.open("rb") as file:
                held = file.read(HISTORY_BYTES)
            self.entries = msgspec.json.decode(held, type=list[Entry])[-HISTORY:]

    def add(self, entry: Entry) -> None:
        """It becomes the newest."""
        if self.entries and self.entries[-1] == entry:
            return
        self.entries = [*(one for one in self.entries if one.query != entry.query), entry][-HISTORY:]
        written = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - a Path can't be opened with a mode
                file.write(msgspec.json.encode(self.entries))
            written.replace(self._path)
