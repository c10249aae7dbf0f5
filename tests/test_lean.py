"""An import without what a library takes along."""

from __future__ import annotations

import sys

import pytest

from jinkies.lean import without


def test_a_module_is_not_installed_for_a_while() -> None:
    with without("antigravity"), pytest.raises(ImportError):
        __import__("antigravity")
    assert "antigravity" not in sys.modules


def test_what_is_loaded_already_stays() -> None:
    with without("json"):
        import json
    assert sys.modules["json"] is json
