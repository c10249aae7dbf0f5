"""What is one alert and what is two, what it is called, and where it comes from."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.commands import ReportOccurrence
from jinkies.fingerprint import culprit, fingerprint, masked, title
from jinkies.frames import parse_frames

PYTHON = """\
Traceback (most recent call last):
  File "/app/cache.py", line 3, in get
    raise KeyError(key)
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/.venv/lib/python3.11/site-packages/django/core/handlers.py", line 42, in inner
    response = get_response(request)
  File "/app/views/orders.py", line 118, in show
    order = orders[order_id]
  File "/usr/lib/python3.11/json/decoder.py", line 5, in decode
    raise KeyError(key)
KeyError: 'order_id'
"""
JAVA = """\
com.acme.OrderException: no order
\tat java.base/java.util.HashMap.get(HashMap.java:5)
\tat com.acme.OrderService.find(OrderService.java:42)
\tat com.acme.OrderService$$EnhancerBySpringCGLIB$$1a2b.find(<generated>)
\tat org.springframework.web.Servlet.service(Servlet.java:1)
Caused by: java.lang.IllegalStateException: closed
\tat com.acme.Repository.get(Repository.java:9)
\t... 12 more
"""
NODE = """\
TypeError: Cannot read properties of undefined (reading 'id')
    at Object.get (/srv/app/node_modules/express/lib/router.js:1:2)
    at async OrderController.show [as handler] (/srv/app/src/orders.js:10:5)
    at /srv/app/src/index.js:3:1
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
panic({0x1, 0x2})
\t/usr/local/go/src/runtime/panic.go:770 +0x132
main.(*Server).Handle(0xc000012, {0x1, 0x2})
\t/app/server.go:12 +0x1d
github.com/acme/web.Run(...)
\t/home/app/go/pkg/mod/github.com/acme/web@v1.2.3/web.go:7
main.main()
\t/app/main.go:30 +0x5

goroutine 5 [chan receive]:
main.other()
\t/app/other.go:1 +0x2
"""


def report(message: str = "boom", **changes: object) -> ReportOccurrence:
    return msgspec.structs.replace(
        ReportOccurrence(service="api", environment="production", message=message), **changes
    )


def functions(trace: str, *, in_app: bool) -> list[str]:
    return [frame.function for frame in parse_frames(trace) if frame.in_app is in_app]


@pytest.mark.parametrize(
    ("trace", "in_app", "vendored"),
    [
        (PYTHON, ["show"], ["inner", "decode"]),
        (
            JAVA,
            ["com.acme.OrderService.find"],
            [
                "org.springframework.web.Servlet.service",
                "com.acme.OrderService$$EnhancerBySpringCGLIB$$1a2b.find",
                "java.util.HashMap.get",
            ],
        ),
        (NODE, ["", "OrderController.show"], ["process.processTicksAndRejections", "Object.get"]),
        (GO, ["main.main", "main.(*Server).Handle"], ["github.com/acme/web.Run", "panic"]),
    ],
)
def test_frames_the_outermost_first(trace: str, in_app: list[str], vendored: list[str]) -> None:
    assert functions(trace, in_app=True) == in_app
    assert functions(trace, in_app=False) == vendored


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (PYTHON, "app/views/orders.py:118 in show"),
        (JAVA, "OrderService.java:42 in com.acme.OrderService.find"),
        (NODE, "srv/app/src/orders.js:10 in OrderController.show"),
        (GO, "app/server.go:12 in main.(*Server).Handle"),
        ('  File "C:\\app\\orders.py", line 7, in show\n', "C:/app/orders.py:7 in show"),
        (
            '  File "/usr/lib/python3.11/json/decoder.py", line 5, in decode\n',
            "usr/lib/python3.11/json/decoder.py:5 in decode",
        ),
        ("nothing that looks like a trace", None),
        ("", None),
        (None, None),
    ],
)
def test_culprit_is_the_innermost_in_app_frame(trace: str | None, expected: str | None) -> None:
    assert culprit(trace) == expected


def test_culprit_is_bounded_and_keeps_the_end_of_the_path() -> None:
    found = culprit(f'  File "/app/{"deep/" * 150}orders.py", line 118, in {"f" * 300}\n')
    assert found is not None
    assert len(found) == 200
    assert "deep/orders.py:118 in fff" in found


CGLIB = "java.lang.Error\n\tat com.acme.Foo$$EnhancerBySpringCGLIB$$1a2b3c4d.bar(<generated>)\n"
API = '  File "/app/api/v1/orders.py", line 3, in show\n'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (report("Order 42 failed"), report("Order 43 failed")),
        (report("a", stack_trace=PYTHON), report("b", stack_trace=PYTHON.replace("118", "121"))),
        (report(stack_trace=PYTHON), report(stack_trace=PYTHON.replace("django", "flask").replace("cache", "stash"))),
        (report(stack_trace=GO), report(stack_trace=GO.replace("0xc000012", "0xc0000ff").replace("1.2.3", "1.2.4"))),
        (report("a", fingerprint="x"), report("b", fingerprint="x", stack_trace=PYTHON)),
        (report(stack_trace=CGLIB), report(stack_trace=CGLIB.replace("1a2b3c4d", "9f8e7d6c"))),
        (report("01HZX3K5V9Q2W8E7R6T5Y4U3I2 lost"), report("01J0ABCDEFGH2JKMNPQRSTVWXY lost")),
        (report('{"msg": "took 5 ms", "at": 1}'), report('{"msg": "took 7 ms", "at": 2}')),
    ],
)
def test_the_same_alert(one: ReportOccurrence, other: ReportOccurrence) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (report("Order failed"), report("Payment failed")),
        (report(), report(service="worker")),
        (report(), report(environment="staging")),
        (report(exception_type="KeyError"), report(exception_type="ValueError")),
        (report(stack_trace=PYTHON), report(stack_trace=PYTHON.replace("show", "list"))),
        (report(stack_trace=PYTHON), report(stack_trace=PYTHON.replace("orders.py", "payments.py"))),
        (report(stack_trace=API), report(stack_trace=API.replace("/v1/", "/v2/"))),
        (report(fingerprint="x"), report(fingerprint="y")),
        (report(fingerprint="x"), report(fingerprint="x", service="worker")),
        (report("x"), report("boom", fingerprint="x")),
        (report('{"msg": "boom"}'), report('{"msg": "bang"}')),
        (report(service="a", environment="bc"), report(service="ab", environment="c")),
    ],
)
def test_different_alerts(one: ReportOccurrence, other: ReportOccurrence) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_all_frames_count_where_none_is_in_app() -> None:
    vendored = '  File "/x/site-packages/a.py", line 1, in one\n'
    assert fingerprint(report(stack_trace=vendored)) != fingerprint(report(stack_trace=vendored.replace("one", "two")))


def test_the_depth_of_a_recursion_does_not_matter() -> None:
    call = '  File "/app/a.py", line 1, in walk\n'
    assert fingerprint(report(stack_trace=call * 5)) == fingerprint(report(stack_trace=call * 900))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Order 42 took 3.5 s", "Order <number> took <number> s"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id <uuid>"),
        ("mail to bob.b+x@mail.example.com bounced", "mail to <email> bounced"),
        ("from 10.0.0.1:8080 and fe80::1:2", "from <ip> and <ip>"),
        ("at 2026-01-01T00:00:00.123Z, 12:13:14", "at <time>, <time>"),
        ("commit 3f786850e387550f at 0xDEADBEEF", "commit <hex> at <hex>"),
        ("no column 'x y' in \"t\"", "no column <text> in <text>"),
        ("can't read the user's file", "can't read the user's file"),
        ("dead feed decade", "dead feed decade"),
        ("pod web-7d9f8b6c5-x2v4q, shop-5f4d7c9b8d-kzt7m died", "pod web-<pod>, shop-<pod> died"),
        ("key AbC9dEf7Gh21 of utf8mb4 and Base64Encoder", "key <id> of utf<number>mb<number> and Base<number>Encoder"),
    ],
)
def test_masking(message: str, expected: str) -> None:
    assert masked(message) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (report("'order_id'", exception_type="KeyError"), "KeyError: 'order_id'"),
        (report("KeyError: 'order_id'", exception_type="KeyError"), "KeyError: 'order_id'"),
        (report("OrderException: no", exception_type="com.acme.OrderException"), "OrderException: no"),
        (report("KeyErrors are bad", exception_type="KeyError"), "KeyError: KeyErrors are bad"),
        (report("\n\n  first\nsecond"), "first"),
        (report("red \x1b[31malert\x1b[0m\x00\u202e\ttab"), "red alert tab"),
        (report("", exception_type="KeyError"), "KeyError"),
        (report("\x00 \n"), "Error in api"),
        (report("", service="\x07"), "Error in an unnamed service"),
    ],
)
def test_title(command: ReportOccurrence, expected: str) -> None:
    assert title(command) == expected


def test_title_is_cut_to_256_characters() -> None:
    found = title(report("x" * 1_000, exception_type="KeyError"))
    assert len(found) == 256
    assert found.endswith("x…")


@given(st.text(max_size=80), st.one_of(st.none(), st.text(max_size=300)), st.text(max_size=80))
def test_any_text_has_a_fingerprint_a_title_and_perhaps_a_culprit(message: str, kind: str | None, trace: str) -> None:
    command = report(message, exception_type=kind, stack_trace=f'{trace}\n  File "{trace}", line 3, in {trace}')
    assert len(fingerprint(command)) == 32
    assert int(fingerprint(command), 16) >= 0
    assert 1 <= len(title(command)) <= 256
    assert title(command).isprintable() or all(char.isprintable() or ord(char) > 0x9F for char in title(command))
    assert len(culprit(command.stack_trace) or "") <= 200


@pytest.mark.parametrize(
    "seed", ["    at a / (/x", "\tat a.b(", '  File "', "    at / / / /:1:1\n", "\t/a.go:1\n", "goroutine 1 ", "'"]
)
def test_a_hostile_megabyte_is_read_in_linear_time(seed: str) -> None:
    """Anything worse than linear runs into the timeout of the test."""
    text = seed * (1_000_000 // len(seed))
    assert len(fingerprint(report(text, stack_trace=text))) == 32
    assert culprit(text.replace("\n", ":1:1)\n")) is None or "\n" not in (culprit(text) or "")


def test_a_title_has_nothing_invisible() -> None:
    marks = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x2000, 0x2070), 0xFEFF, 0xD800, 0xDFFF)]
    command = ReportOccurrence(service="api", message=f"\x1b[31mno{'no'.join(marks)} \xa0 room\x1b[0m")
    shown = title(command)
    assert shown.isprintable()
    assert "  " not in shown
    assert shown.startswith("no no")
