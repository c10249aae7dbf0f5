from __future__ import annotations

import pytest

from jinkies.reading.ids import LONGEST, MOST_IDS, request_ids

U = "8f5e7a2c-1111-2222-3333-444455556666"
V = "0a1b2c3d-aaaa-bbbb-cccc-ddddeeeeffff"
T = "4bf92f3577b34da6a3ce929d0e0e4736"
X = "1-5759e988-bd862e3fe1be46a994272793"
EDGE = "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ=="


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        # JSON
        (f'{{"request_id":"{U}","msg":"x"}}', (U,)),
        (f'{{"msg":"x","requestId":"{U}"}}', (U,)),
        ('{"event":"charge","req":"7f3b"}', ("7f3b",)),
        (f'{{"aws_request_id":"{U}","xray_trace_id":"{X}"}}', (U, X)),
        (f'{{"trace_id":"{T}","span_id":"00f067aa0ba902b7","correlation_id":"c-77","request":{{"id":"r-1009"}}}}',
         ("r-1009", "c-77", T)),
        (f'{{"trace.id":"{T}"}}', (T,)),
        (f'{{"dd":{{"trace_id":"{T}"}}}}', (T,)),
        (f'{{"headers":{{"X-Amzn-Trace-Id":"Root={X};Parent=53995c3f42cd8ad8;Sampled=1"}}}}', (X,)),
        (f'{{"traceparent":"00-{T}-00f067aa0ba902b7-01"}}', (T,)),
        ('{"req":{"id":10234,"method":"GET"}}', ("10234",)),
        ('{"message":"handled req=7f3a in 3 ms"}', ("7f3a",)),
        (f'{{"message":"{{\\"requestId\\": \\"{U}\\"}}"}}', (U,)),
        (f'{{"request_id":"{U}", broken', (U,)),
        ('{"request_id":null,"trace_id":"","req":{"a":1}}', ()),
        # text
        ("GET /orders/77 200 41ms user=1009 req=7f3a", ("7f3a",)),
        (f"request_id={U} trace_id={T}", (U, T)),
        (f"trace_id={T} request_id={U}", (U, T)),
        (f"[req:ab12cd] correlation-id: {V}.", ("ab12cd", V)),
        (f"X-Request-Id: {U}, x-correlation-id={V}", (U, V)),
        (f"Failed request {U}: retried as request {V}", (U, V)),
        (f"Request ID: {U} (Trace-ID {V})", (U, V)),
        (f"the customer {U} has no cart", ()),
        (f"[{U}] Started GET \"/\" for 10.0.0.1", (U,)),
        (f"({U}) Method request path: {{}}", (U,)),
        # AWS
        (f"START RequestId: {U} Version: $LATEST", (U,)),
        (f"REPORT RequestId: {U}\tDuration: 3.00 ms\tXRAY TraceId: {X}\tSegmentId: 1f Sampled: true", (U, X)),
        (f"2026-11-22T20:40:21.123Z\t{U}\tERROR\tit broke", (U,)),
        (f"[INFO]\t2026-11-22T20:40:21.123Z\t{U}\tfor request_id=r-77", (U, "r-77")),
        (f"2026-11-22T20:40:21.123Z {U} Task timed out after 3.00 seconds", (U,)),
        (('https 2018-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.0 0.0 0.0 '
         f'200 200 0 57 "GET https://x:443/ HTTP/1.1" "curl" A B arn:aws:x "Root={X}" "x" "-" 0'), (X,)),
        (("2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.1\tGET\td1.cloudfront.net\t/i.html\t200\t-\tMozilla\t-\t-\tHit\t"
         f"{EDGE}\td1.cloudfront.net\thttps\t23"), (EDGE,)),
        # no ids
        ("", ()),
        ("request=GET trace=enabled req=-", ()),
        ("request_id=00000000-0000-0000-0000-000000000000", ()),
        ("requests=12345 tracer=77777 subrequest-identity=1234", ()),
        ("req=12", ()),
        ("request_id=" + "7" * (LONGEST + 1), ()),
        ('{"trace":"Traceback (most recent call last):\\n  File \\"a.py\\""}', ()),
        ("req=\x1b[31m7f3a", ()),
    ],
)  # fmt: skip
def test_the_ids_of_a_line(message: str, ids: tuple[str, ...]) -> None:
    assert request_ids(message) == ids


def test_they_stand_in_the_line_as_they_are_given() -> None:
    message = f"requestId={U.upper()} Root={X} traceparent: 00-{T}-00f067aa0ba902b7-01"
    assert request_ids(message) == (U.upper(), X, T)
    assert all(text in message for text in request_ids(message))


def test_they_are_bounded() -> None:
    message = " ".join(f"request_id=r-{at:04}" for at in range(1_000))
    assert request_ids(message) == tuple(f"r-{at:04}" for at in range(MOST_IDS))


@pytest.mark.parametrize(
    "message",
    ["req" * 200_000, "request " * 100_000, "a-" * 300_000, '{"req":' * 50_000, "trace_id=" * 100_000, "1-" * 300_000,
     "x." * 300_000, "request_id=" + "=" * 500_000, "\\\"" * 200_000],
)  # fmt: skip
def test_hostile_lines_have_none(message: str) -> None:
    assert request_ids(message) == ()
