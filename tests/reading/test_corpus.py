"""Lines as real programs and services write them, read in every way at once."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from jinkies.logs.levels import level_of
from jinkies.model import Level, LogEvent
from jinkies.reading.fields import flatten
from jinkies.reading.ids import request_ids
from jinkies.reading.joining import joined
from jinkies.reading.templates import template_of

NONE, DEBUG, INFO, WARNING, ERROR, CRITICAL = Level
U = "8f5e7a2c-1d2e-4f3a-9b8c-0d1e2f3a4b5c"
X = "1-67a1b2c3-0123456789abcdef01234567"
T = "4bf92f3577b34da6a3ce929d0e0e4736"


class Line(NamedTuple):
    message: str
    level: Level
    ids: tuple[str, ...]
    template: str


CORPUS = [
    # Python
    Line(
        f"2026-11-22 20:40:21,123 - shop.orders - WARNING - slow checkout 1.82s order=7781 request_id={U}",
        WARNING,
        (U,),
        "<time> - shop.orders - WARNING - slow checkout <number>s order=<number> request_id=<id>",
    ),
    Line("ERROR:django.request:Internal Server Error: /orders/77/", ERROR, (),
         "ERROR:django.request:Internal Server Error: /orders/<number>/"),
    Line("[2026-11-22 20:40:21 +0000] [7] [INFO] Booting worker with pid: 7", INFO, (),
         "[<time>] [<number>] [INFO] Booting worker with pid: <number>"),
    # Java
    Line("2026-11-22 20:40:21.123 ERROR 1 --- [nio-8080-exec-3] o.a.c.c.C.[.[.[/] : Servlet failed",
         ERROR, (), "<time> ERROR <number> --- [nio-<number>-exec-<number>] o.a.c.c.C.[.[.[/] : Servlet failed"),
    Line(f"20:40:21.123 [main] INFO com.shop.App [traceId={T},spanId=00f067aa0ba902b7] - started in 3.2 seconds",
         INFO, (T,), "<time> [main] INFO com.shop.App [traceId=<id>,spanId=<id>] - started in <number> seconds"),
    # Node
    Line('{"level":50,"time":1795380021123,"req":{"id":"req-4f2a","method":"GET"},"msg":"upstream timed out"}',
         ERROR, ("req-4f2a",), "upstream timed out"),
    Line("info: listening on port 3000", INFO, (), "info: listening on port <number>"),
    # logfmt, glog, syslog
    Line(f'time="2026-11-22T20:40:21Z" level=error msg="dial failed" trace_id={T} attempt=3', ERROR, (T,),
         'time=<text> level=error msg="dial failed" trace_id=<id> attempt=<number>'),
    Line("W1122 20:40:21.123456       7 reflector.go:12] watch closed", WARNING, (),
         "W<number> <time> <number> reflector.go:<number>] watch closed"),
    Line("<11>Nov 22 20:40:21 web-1 app[12]: it broke", ERROR, (),
         "<<number>>Nov <number> <time> web-<number> app[<number>]: it broke"),
    # AWS
    Line(f"START RequestId: {U} Version: $LATEST", INFO, (U,), "START RequestId: <uuid> Version: $LATEST"),
    Line(f"REPORT RequestId: {U}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tStatus: timeout\t"
         f"XRAY TraceId: {X}\tSegmentId: 5b1c", ERROR, (U, X),
         "REPORT RequestId: <uuid> Duration: <number> ms Billed Duration: <number> ms Status: timeout XRAY TraceId: "
         "<number>-<hex>-<hex> SegmentId: <id>"),
    Line(f"[ERROR]\t2026-11-22T20:40:21.123Z\t{U}\tKeyError: 'order_id'", ERROR, (U,),
         "[ERROR] <time> <uuid> KeyError: <text>"),
    Line(f'{{"time":"2026-11-22T20:40Z","type":"platform.report","record":{{"requestId":"{U}","status":"error"}}}}',
         ERROR, (U,), "{record, time, type}"),
    Line(f'{{"requestId":"{U}","httpMethod":"GET","path":"/","status":"502","protocol":"HTTP/1.1"}}', ERROR, (U,),
         "{httpMethod, path, protocol, requestId, status}"),
    Line('https 2026-11-22T20:40:21.123456Z app/web/50dc6c495c0c9188 203.0.113.9:48160 10.0.0.66:9000 0.000 0.002 '
         f'0.000 503 503 5 257 "GET https://shop.example:443/orders/77 HTTP/2.0" "curl/8" - - arn:aws:x "Root={X}"',
         ERROR, (X,),
         "https <time> app/web/<hex> <ip> <ip> <number> <number> <number> <number> <number> <number> <number> "
         '"GET https://shop.example:<number>/orders/<number> HTTP/<number>" <text> - - arn:aws:x <text>'),
    Line("2026-11-22\t20:40:21\tFRA2\t392\t203.0.113.9\tGET\td111.cloudfront.net\t/a.js\t404\t-\tMozilla\t-\t-\tError\t"
         "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\tshop.example\thttps\t23", WARNING,
         ("SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==",),
         "<time> FRA<number> <number> <ip> GET d<number>.cloudfront.net /a.js <number> - Mozilla - - Error "
         "<id> shop.example https <number>"),
    # web servers
    Line('203.0.113.9 - ana [22/Nov/2026:20:40:21 +0000] "POST /api/v2/orders HTTP/1.1" 201 77 "-" "Mozilla/5.0"', INFO,
         (), '<ip> - ana [<time>] "POST /api/v2/orders HTTP/<number>" <number> <number> <text> <text>'),
    Line("2026/11/22 20:40:21 [error] 7#7: *91 connect() failed (111: Connection refused), client: 10.0.0.9", ERROR, (),
         "<time> [error] <number>#<number>: *<number> connect() failed (<number>: Connection refused), client: <ip>"),
    # nasty
    Line("", NONE, (), ""),
    Line("\x1b[31mERROR\x1b[0m req=7f3a", ERROR, ("7f3a",), "ERROR req=<id>"),
    Line("\x1b[1;33mwarn\x1b[39m: slow query", WARNING, (), "warn: slow query"),
    Line("\x1b[2J\x1b[31mERROR", NONE, (), "\x1b[<id>"),  # what moves a cursor is no colour
    Line('{"msg":"[bold]{\\"level\\":\\"error\\"}","n":1}', NONE, (), "[bold]{<text>:<text>}"),
    Line('{"level":"info","msg":"' + "\\u0000" * 3 + '"}', INFO, (), "\0\0\0"),
    Line("request_id=" + "=" * 50, NONE, (), "request_id=<id>"),
    Line("ERROR" * 100, NONE, (), "ERROR" * 100),
]  # fmt: skip


@pytest.mark.parametrize("line", CORPUS, ids=[line.message[:30] for line in CORPUS])
def test_a_line_of_the_corpus(line: Line) -> None:
    assert level_of(line.message) is line.level
    assert request_ids(line.message) == line.ids
    assert template_of(line.message) == line.template
    assert (flatten(line.message) is not None) is line.message.startswith("{")


def test_lines_of_the_corpus_are_lines_of_their_own() -> None:
    """But for the exception that Lambda's line announces, nothing in it continues anything."""
    events = [
        LogEvent(
            log_group="/a",
            log_stream="s",
            timestamp_ms=at,
            ingestion_ms=at,
            message=line.message,
            level=level_of(line.message),
        )
        for at, line in enumerate(CORPUS)
    ]
    assert [len(group) for group in joined(events)] == [1] * len(CORPUS)


@pytest.mark.parametrize("line", CORPUS, ids=[line.message[:30] for line in CORPUS])
def test_cut_anywhere_a_line_is_read_without_harm(line: Line) -> None:
    for end in range(0, len(line.message), 7):
        part = line.message[:end]
        assert isinstance(level_of(part), Level)
        assert all(one in part for one in request_ids(part))
        assert len(template_of(part)) <= 9 * len(part)
        flatten(part)
