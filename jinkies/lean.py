"""Imports without what a library takes along for nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """While the body imports, an optional module counts as not installed, unless it is loaded already.

    Only for a process in which no other thread may want that module meanwhile.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # how Python spells a module that can't be imported
    try:
        yield
    finally:
        del sys.modules[module]
