"""A start without what it does for nothing."""

from __future__ import annotations

import gc
import platform
import ssl
import subprocess
import sys

import pytest

from jinkies.lean import trusting_nobody, uncollected, without

_CHURN = """
import resource
from jinkies.lean import keep_freed_memory
if {keep}: keep_freed_memory()
def churn():
    for _ in range(50):
        held = [bytes(bytearray(1_000_000)) for _ in range(3)]
        del held
churn()
before = resource.getrusage(resource.RUSAGE_SELF)
churn()
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_minflt - before.ru_minflt)
"""


def test_a_module_is_not_installed_for_a_while() -> None:
    with without("antigravity"), pytest.raises(ImportError):
        __import__("antigravity")
    assert "antigravity" not in sys.modules


def test_what_is_loaded_already_stays() -> None:
    with without("json"):
        import json
    assert sys.modules["json"] is json


def test_a_context_made_meanwhile_trusts_nobody_and_later_ones_do() -> None:
    with trusting_nobody():
        meanwhile = ssl.create_default_context()
    assert (meanwhile.verify_mode, meanwhile.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert meanwhile.cert_store_stats()["x509"] == 0
    assert ssl.SSLContext.load_default_certs.__module__ == "ssl"


def test_the_collector_rests_for_a_while() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled(), "whoever turned it off turns it on"
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.processes
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library may do nothing")
def test_freed_memory_is_kept_for_what_comes_next() -> None:
    def faults(keep: bool) -> int:
        program = [sys.executable, "-c", _CHURN.format(keep=keep)]
        ran = subprocess.run(program, capture_output=True, text=True, check=True)
        return int(ran.stdout)

    assert faults(True) * 10 < faults(False)
