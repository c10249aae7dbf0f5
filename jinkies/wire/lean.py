"""httpx without its command line, which is an optional extra of it and of no use here.

httpx imports that extra (click, rich's progress bars, pygments) whenever those libraries happen to be installed: 40 ms
of every start of the console. It is told that they are not, for as long as its own import takes.
"""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"

_hidden = _COMMAND_LINE not in sys.modules
if _hidden:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # how Python spells a module that can't be imported
try:
    import httpx
finally:
    if _hidden:
        del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
