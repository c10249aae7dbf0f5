"""Opening a link outside the terminal, where there is an outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def is_web_address(url: str) -> bool:
    """Only http(s) is ever opened: a link on an alert may come from anywhere."""
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def has_browser(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a graphical browser can be expected: a text browser would take the terminal over."""
    if environment.get("SSH_CONNECTION"):
        return False
    if platform in {"darwin", "win32"}:
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
