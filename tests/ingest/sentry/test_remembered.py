"""Frames that were read are remembered, and what is remembered changes no answer."""

from __future__ import annotations

import itertools

from jinkies.ingest.sentry import thrown
from jinkies.ingest.sentry.thrown import LONGEST, REMEMBERED, _call, _known, _read_call

VALUES: tuple[object, ...] = (None, 1, 1.0, True, 0, False, "1", "", "a\\b.py", [], {}, [1], {"a": 1}, 2**70)
FIELDS = (
    "platform", "module", "function", "abs_path", "filename", "package", "context_line", "instruction_addr",
    "lineno", "colno", "in_app",
)  # fmt: skip


def test_each_frame_is_read_as_if_it_were_the_first() -> None:
    frame: dict[str, object] = {"filename": "site-packages/x.py", "function": "f", "module": "m", "lineno": 1}
    frames = [frame | {field: value} for field, value in itertools.product(FIELDS, VALUES)]
    for _ in range(2):
        for platform, one in itertools.product(("python", "java"), frames):
            assert repr(_call(one, platform)) == repr(_read_call(one, platform))


def test_a_frame_that_comes_again_is_the_same_one() -> None:
    frame: dict[str, object] = {"filename": "x.py", "lineno": 1, "in_app": True}
    assert _call(frame, "python") is _call(dict(frame), "python")


def test_what_is_remembered_is_bounded() -> None:
    _known.clear()
    _call({"filename": "x" * LONGEST}, "python")
    _call({"in_app": "x" * LONGEST, "filename": "x"}, "python")
    assert not _known
    for number in range(REMEMBERED + 1):
        _call({"filename": "x.py", "lineno": number}, "python")
    assert len(thrown._known) == 1
