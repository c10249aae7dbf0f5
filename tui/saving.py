"""Writing log lines to a file that was not there: as they came, or as JSON lines where the name ends in ``.json``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jinkies.clock import Clock
from tui.logring import LogRing

_SLICE = 4_000  # lines between which keys come in


async def save(ring: LogRing, seqs: Sequence[int], name: str, clock: Clock) -> tuple[Path, int]:
    """Write lines, readable by their owner only.

    Args:
        ring: where the lines are; those that leave it meanwhile are not written.
        seqs: which ones; notes of the view's own are left out.
        name: the file's; ``~`` is understood. ``.json`` and ``.jsonl`` get an event as JSON a line.
        clock: gives way to the event loop.

    Returns:
        Where, and how many.

    Raises:
        OSError: it is there already (``FileExistsError``), or can't be written.
        ValueError: the name holds a null character.
    """
    path = Path(name).expanduser()  # noqa: ASYNC240 - reads the environment, or the system's list of users
    as_json = path.suffix in (".json", ".jsonl")
    written = 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: ASYNC230, PTH123 - a local file, a slice at a time; a Path can't be opened exclusively with a mode
        for start in range(0, len(seqs), _SLICE):
            for seq in seqs[start : start + _SLICE]:
                if ring.holds(seq) and not ring.is_note(seq):
                    file.write(_line(ring, seq, as_json=as_json))
                    written += 1
            await clock.sleep(0)
    return path, written


def _line(ring: LogRing, seq: int, *, as_json: bool) -> bytes:
    if as_json:
        return msgspec.json.encode(ring.event(seq)) + b"\n"
    return ring.text(seq).encode("utf-8", "replace") + b"\n"
