from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aioboto3", "botocore", "aiohttp", "githubkit", "pydantic", "interactions", "aiosqlite", "httpx"}


@pytest.mark.parametrize("module", ["tui.app", "tui.__main__", "tui.screens.keys"])
def test_the_console_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_the_first_paint_leaves_the_other_screens_out() -> None:
    code = "import sys, tui.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"tui.screens.logs", "tui.screens.discord", "textual.widgets._text_area", "jinkies.app"} & set(loaded)
