from __future__ import annotations

import pytest

from jinkies.logs.levels import level_named, level_of
from jinkies.model import Level

NONE, DEBUG, INFO, WARNING, ERROR, CRITICAL = Level


@pytest.mark.parametrize(
    ("message", "level"),
    [
        # JSON, as loggers name it
        ('{"level":"error","msg":"x"}', ERROR),
        ('{"severity":"WARNING","message":"x"}', WARNING),
        ('{"levelname":"CRITICAL","message":"x"}', CRITICAL),
        ('{"lvl":"debug"}', DEBUG),
        ('{"log.level":"warn","message":"x"}', WARNING),
        ('{"severityText":"FATAL"}', CRITICAL),
        ('{"Level":"Information"}', INFO),
        ('{"level":10}', DEBUG),
        ('{"level":30}', INFO),
        ('{"level":40}', WARNING),
        ('{"level":50}', ERROR),
        ('{"level":60}', CRITICAL),
        ('{"level":3,"short_message":"GELF"}', ERROR),
        ('{"level":"50"}', ERROR),
        ('{"message":"no level here"}', NONE),
        ('{"message":"failed","exc_info":"Traceback ..."}', ERROR),
        ('{"message":"fine","exception":null}', NONE),
        ('{"context":{"level":"error"},"level":"info"}', INFO),
        ('{"message":"\\"level\\":\\"error\\""}', NONE),
        ('{"level":{"nested":1}}', NONE),
        ('{"level":null,"severity":"error"}', ERROR),
        ('{"level": "error", broken', NONE),
        # Python
        ("ERROR:root:it broke", ERROR),
        ("WARNING:django.request:Not Found: /x", WARNING),
        ("2026-11-22 20:40:21,123 - app.views - ERROR - it broke", ERROR),
        ("2026-11-22 20:40:21,123 INFO app started", INFO),
        ("[2026-11-22 20:40:21 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)", CRITICAL),
        ("INFO:     127.0.0.1:1234 - GET / 200", INFO),
        ("[ERROR]\t2026-11-22T20:40:21.123Z\t8f5e7a2c\tit broke", ERROR),
        # Java
        ("2026-11-22 20:40:21.123 ERROR 1 --- [nio-8080-exec-1] o.a.c.C : failed", ERROR),
        ("20:40:21.123 [main] WARN com.example.App - careful", WARNING),
        ("Nov 22, 2026 8:40:21 PM org.x.Y log SEVERE: it broke", NONE),
        # Node
        ("2026-11-22T20:40:21.123Z\t8f5e7a2c-1111-2222-3333-444455556666\tERROR\tit broke", ERROR),
        ("error: it broke", ERROR),
        ("info: listening", INFO),
        # others
        ("fail: Microsoft.AspNetCore[1]", ERROR),
        ("2026/11/22 20:40:21 [error] 7#7: *1 open() failed", ERROR),
        ("E1122 20:40:21.123456       7 main.go:12] it broke", ERROR),
        ("W1122 20:40:21.123456       7 main.go:12] careful", WARNING),
        ('time="2026-11-22T20:40:21Z" level=warning msg="careful"', WARNING),
        ("<11>Nov 22 20:40:21 host app: it broke", ERROR),
        ("<14>1 2026-11-22T20:40:21Z host app - - - fine", INFO),
        ("Nov 22 20:40:21 web-1 app[12]: ERROR it broke", ERROR),
        # AWS Lambda
        ("START RequestId: 8f5e7a2c Version: $LATEST", INFO),
        ("END RequestId: 8f5e7a2c", INFO),
        ("REPORT RequestId: 8f5e7a2c\tDuration: 3.00 ms", INFO),
        ("REPORT RequestId: 8f5e7a2c\tDuration: 3000.00 ms\tStatus: timeout", ERROR),
        ("2026-11-22T20:40:21Z 8f5e7a2c Task timed out after 3.00 seconds", ERROR),
        # exceptions
        ("Traceback (most recent call last):", ERROR),
        ("  Traceback (most recent call last):\n  File", ERROR),
        ('Exception in thread "main" java.lang.NullPointerException', ERROR),
        ("java.lang.IllegalStateException: pool empty", ERROR),
        ("TypeError: x is undefined", ERROR),
        ("Uncaught RangeError: too far", ERROR),
        ("panic: runtime error", CRITICAL),
        # prose is no level
        ("GET /orders/ERROR 200", NONE),
        ("the customer saw no ERROR today", NONE),
        ("retrying after error", NONE),
        ("", NONE),
        ("   ", NONE),
        ("\x00\x1b[31m", NONE),
    ],
)
def test_the_level_of_a_line(message: str, level: Level) -> None:
    assert level_of(message) is level


def test_a_line_of_a_megabyte_has_no_level() -> None:
    for message in ("x" * 1_000_000, '{"a":"' + "x" * 1_000_000 + '"}', "[" * 1_000_000, "a." * 500_000):
        assert level_of(message) is Level.NONE


@pytest.mark.parametrize(
    ("word", "level"), [("warn", WARNING), ("Error", ERROR), (" FATAL ", CRITICAL), ("loud", None)]
)
def test_names_of_levels(word: str, level: Level | None) -> None:
    assert level_named(word) is level
