"""A start without what it does for nothing: modules that nobody uses, looking for garbage where there is none."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

KEPT_BYTES = 31 << 20


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


@contextmanager
def trusting_nobody() -> Iterator[None]:
    """While the body imports, a TLS context that is made reads none of the system's authorities, which takes 40 ms.

    Such a context accepts no certificate. aiohttp makes one when it is imported, for requests that bring none;
    botocore's bring one each, with the authorities of ``AWS_CA_BUNDLE`` or its own. Only for a process in which no
    other thread makes a context meanwhile.
    """
    import ssl  # not for commands that ask nobody

    usual = ssl.SSLContext.load_default_certs
    ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]  # back again below
    try:
        yield
    finally:
        ssl.SSLContext.load_default_certs = usual  # type: ignore[method-assign]  # as it was


@contextmanager
def uncollected() -> Iterator[None]:
    """While the body imports, nobody looks for garbage in it; what is there at its end is for good.

    Does nothing where the collector is off already: whoever turned it off says until when.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        collect_again()


def collect_again() -> None:
    """Turn the collector on again, if it is off; what is there by now is for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for what comes next, up to twice ``KEPT_BYTES``.

    For who holds megabytes for a moment, again and again: taking them from the kernel anew costs a third of reading
    them. glibc learns it from a large block that is freed (mallopt(3): M_MMAP_THRESHOLD follows it up to 32 MB, and
    M_TRIM_THRESHOLD twice that). No page of the block is ever touched; another C library does nothing.
    """
    bytes(KEPT_BYTES)
