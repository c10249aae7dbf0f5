"""Starting a worker: Textual owns and ends it with the node that started it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from textual.dom import DOMNode

Work = Callable[[], Coroutine[object, object, None]]


def start(node: DOMNode, work: Work, *, group: str, exclusive: bool = False) -> None:
    """Run ``work``; with ``exclusive``, in place of what its group is doing.

    A function, not a coroutine: one that is overtaken before it begins would never be awaited.
    """
    node.run_worker(work, group=group, exclusive=exclusive)
