"""Events of many SDKs, as their documentation and their code have them, and of none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.commands import ReportOccurrence
from jinkies.fingerprint import fingerprint
from jinkies.frames import parse_frames
from jinkies.ingest.sentry.event import Origin, Read, read_event
from jinkies.model import Severity

NOW_MS = 1_790_000_000_000
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"


def read(*, project: str = "1", sender: str = "webhook", event_id: object = None, **event: Any) -> Read:
    origin = Origin(project=project, sender=sender, services={"7": "billing"}, now_ms=NOW_MS)
    return read_event(event, origin, event_id=event_id)


def command(**event: Any) -> ReportOccurrence:
    return read(**event).command


def frame(function: str, **more: Any) -> dict[str, Any]:
    return {"function": function, "filename": "app/cart.py", "lineno": 3, "in_app": True, **more}


def thrown(kind: str, value: str, *functions: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "value": value,
        "stacktrace": {"frames": [frame(name, **more.get("frame", {})) for name in functions]},
        **{key: one for key, one in more.items() if key != "frame"},
    }


@pytest.mark.parametrize(
    ("event", "service"),
    [
        ({"tags": {"service": "cart"}, "project": "7"}, "cart"),
        ({"tags": [["service.name", "cart"]], "project": "7"}, "cart"),
        ({"project": "7", "sender": "shop"}, "billing"),
        ({"project": "web-shop", "sender": "shop"}, "web-shop"),
        ({"project": "1", "sender": "shop"}, "shop"),
        ({"project": "1", "sender": "local"}, "sentry-1"),
        ({"project": "1", "sender": "webhook", "server_name": "i-1"}, "sentry-1"),
        ({"tags": {"service": None}, "project": ""}, "sentry"),
    ],
)
def test_the_service(event: dict[str, Any], service: str) -> None:
    assert command(**event).service == service


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("fatal", Severity.CRITICAL),
        ("critical", Severity.CRITICAL),
        ("error", Severity.ERROR),
        ("warning", Severity.WARNING),
        ("info", Severity.INFO),
        ("debug", Severity.INFO),
        ("log", Severity.INFO),
        (None, Severity.ERROR),
        ({"a": 1}, Severity.ERROR),
    ],
)
def test_the_level(level: object, severity: Severity) -> None:
    assert command(level=level).severity is severity


def test_an_unknown_level_or_time_is_noted() -> None:
    found = read(level="loud", timestamp="yesterday", message="boom")
    assert (found.command.severity, found.command.occurred_at_ms) == (Severity.ERROR, None)
    assert [note.partition(":")[0] for note in found.notes] == ["level", "timestamp"]
    assert command(timestamp="2026-01-01T00:00:00.250Z").occurred_at_ms == 1_767_225_600_250
    assert command(timestamp=1767225600.25).occurred_at_ms == 1_767_225_600_250
    assert command(timestamp=True).occurred_at_ms is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (EVENT_ID, EVENT_ID),
        ("9EC79C33-EC99-42AB-8353-589FCB2E04DC", EVENT_ID),
        ("short", None),
        (7, None),
        (None, None),
    ],
)
def test_the_event_id(given: object, kept: str | None) -> None:
    assert read(event_id=given).event_id == kept


def test_a_message_and_its_template() -> None:
    for entry in (
        {"message": "order %s of %s", "params": [7, "velma"]},
        {"message": "order %s of %s", "params": [7, "velma"], "formatted": "order 7 of velma"},
        {"message": "order %(n)s of %(who)s", "params": {"n": 7, "who": "velma"}},
    ):
        found = command(logentry=entry)
        assert (found.message, found.message_template) == ("order 7 of velma", entry["message"])
    assert (command(message="plain 7").message, command(message="plain 7").message_template) == ("plain 7", None)
    assert command(message={"formatted": "only"}).message == "only"
    bomb = command(logentry={"message": "%99999999999s %s", "params": ["a", "b"]})
    assert bomb.message == "%99999999999s %s"


def test_events_of_one_template_are_one_alert() -> None:
    def of(template: str, name: str) -> str:
        return fingerprint(command(logentry={"message": template, "params": [name], "formatted": template % name}))

    assert of("user %s can't log in", "velma") == of("user %s can't log in", "fred and daphne")
    assert of("user %s can't log in", "velma") != of("user %s can't pay", "velma")


def test_without_frames_the_thread_that_sent_it_has_them() -> None:
    threads = {
        "values": [
            {"stacktrace": {"frames": [frame("other")]}},
            {"current": True, "stacktrace": {"frames": [frame("main"), frame("warn", context_line="  warn()")]}},
        ]
    }
    found = command(message="late", platform="python", threads=threads)
    assert [one.function for one in found.frames] == ["main", "warn"]
    assert (found.stack_trace or "").endswith("in warn\n    warn()")


def test_exceptions_without_numbers_are_causes_of_their_successors() -> None:
    values = [thrown("IOError", "disk", "read"), thrown("CartError", "no cart", "load", "show")]
    found = command(platform="python", exception={"values": values})
    assert (found.exception_type, found.message) == ("CartError", "no cart")
    assert [one.function for one in found.frames] == ["load", "show"]
    trace = found.stack_trace or ""
    assert trace.index("IOError: disk") < trace.index("CartError: no cart")
    assert command(exception=values).exception_type == "CartError"
    assert command(exception=values[0]).exception_type == "IOError"


def test_numbered_exceptions_are_a_tree() -> None:
    def numbered(number: int, parent: int | None, source: str, kind: str) -> dict[str, Any]:
        mechanism = {"exception_id": number, "parent_id": parent, "source": source}
        return thrown(kind, "x", kind.lower(), mechanism=mechanism)

    values = [
        numbered(3, 2, "__cause__", "Deep"),
        numbered(2, 0, "exceptions[1]", "Second"),
        numbered(1, 0, "exceptions[0]", "First"),
        numbered(0, None, "", "Group"),
    ]
    found = command(platform="python", exception={"values": values})
    assert found.exception_type == "Group"
    trace = found.stack_trace or ""
    order = [trace.index(f"{kind}: x") for kind in ("Group", "First", "Deep", "Second")]
    assert order == sorted(order)
    assert "The above exception was the direct cause" in trace


def test_a_tree_of_nonsense_is_still_one() -> None:
    def of(*mechanisms: dict[str, Any]) -> str:
        values = [thrown(f"E{n}", "x", "f", mechanism=one) for n, one in enumerate(mechanisms)]
        return command(exception=values).stack_trace or ""

    circle = of({"exception_id": 1, "parent_id": 2}, {"exception_id": 2, "parent_id": 1}, {"exception_id": 0})
    assert all(f"E{n}: x" in circle for n in range(3))
    same = of({"exception_id": 5, "parent_id": 5}, {"exception_id": 5, "parent_id": [1]})
    assert all(f"E{n}: x" in same for n in range(2))


def test_a_group_that_was_raised_by_a_library_is_told_by_its_first_member() -> None:
    library = thrown("ExceptionGroup", "tasks", "run", frame={"in_app": False}, mechanism={"exception_id": 0})
    member = thrown("KeyError", "x", "own", mechanism={"exception_id": 1, "parent_id": 0, "source": "exceptions[0]"})
    assert [one.function for one in command(exception=[member, library]).frames] == ["own"]


@pytest.mark.parametrize(
    ("platform", "heading", "line"),
    [
        ("java", "org.shop.CartError: no cart", "\tat org.shop.Cart.load(Cart.java:3)"),
        ("javascript", "CartError: no cart", "    at load (https://shop.example/cart.js:3:9)"),
        ("node", "CartError: no cart", "    at load (https://shop.example/cart.js:3:9)"),
        ("go", "CartError: no cart", "main.load(...)\n\t/src/cart.go:3"),
        ("ruby", "CartError: no cart", "\tfrom app/cart.rb:3:in 'load'"),
        ("php", "CartError: no cart", "  at src/cart.php(3): load()"),
        ("csharp", "Shop.CartError: no cart", "   at Shop.Cart.load() in Cart.cs:line 3"),
        ("native", "CartError: no cart", "    at load (cart.c:3)"),
    ],
)
def test_traces_as_their_languages_print_them(platform: str, heading: str, line: str) -> None:
    files: dict[str, dict[str, Any]] = {
        "java": {"module": "org.shop.Cart", "filename": "Cart.java"},
        "javascript": {"abs_path": "https://shop.example/cart.js", "filename": "/cart.js", "colno": 9},
        "node": {"abs_path": "https://shop.example/cart.js", "filename": "/cart.js", "colno": 9},
        "go": {"module": "main", "abs_path": "/src/cart.go"},
        "ruby": {"filename": "app/cart.rb"},
        "php": {"filename": "src/cart.php"},
        "csharp": {"module": "Shop.Cart", "filename": "Cart.cs"},
        "native": {"filename": "cart.c"},
    }
    module = {"java": "org.shop", "csharp": "Shop"}.get(platform)
    value = thrown("CartError", "no cart", "show", "load", frame=files[platform], module=module)
    cause = thrown("IOError", "disk", "read", frame=files[platform])
    found = command(platform=platform, exception=[cause, value])
    trace = found.stack_trace or ""
    assert trace.startswith(heading)
    assert trace.index(line) < trace.index("show") < trace.index("Caused by: IOError: disk")
    assert [one.in_app for one in found.frames] == [True, True]
    if platform in {"java", "node", "javascript", "go"}:
        read_back = parse_frames(trace)
        assert [one.line for one in read_back] == [3, 3]
        assert read_back[-1].function.endswith("load")


def test_native_frames_may_have_nothing_but_an_address() -> None:
    value = thrown("SIGSEGV", "", exception_id=0)
    value["stacktrace"] = {"frames": [{"instruction_addr": "0x7fa1", "package": "/usr/lib/libc.so"}, {}, None, 7]}
    found = command(platform="native", exception=value)
    assert "    at 0x7fa1 (/usr/lib/libc.so)" in (found.stack_trace or "")
    assert len(found.frames) == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["{{ default }}"], None),
        (["{{default}}"], None),
        ([], None),
        (None, None),
        (["cart", 7], "cart\x007"),
        (["{{ default }}", "eu"], "{{ default }}\0eu"),
        (["{{ transaction }}", "{{ tags.tenant }}", "{{ error.type }}"], "checkout\0acme\0CartError"),
        (["{{ nonsense }}"], "{{ nonsense }}"),
        ("bare", "bare"),
        ([{"a": 1}, None], None),
    ],
)
def test_the_fingerprint_of_the_sdk(given: object, kept: str | None) -> None:
    values = [thrown("CartError", "no cart", "load")]
    found = command(exception=values, fingerprint=given, transaction="checkout", tags={"tenant": "acme"})
    assert found.fingerprint == kept


def test_a_long_fingerprint_keeps_what_tells_it_apart() -> None:
    one, other = (command(fingerprint=["x" * 1_000, end]).fingerprint or "" for end in "ab")
    assert len(one) <= 500
    assert one != other
    assert (command(fingerprint=["{{ default }}", "x" * 1_000]).fingerprint or "").startswith("{{ default }}\0")


@pytest.mark.parametrize(
    ("release", "tags", "commit"),
    [
        ("a" * 7, {}, "a" * 7),
        ("shop@1.4.2+c0ffee1", {}, "c0ffee1"),
        ("shop@c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ff", {}, "c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ff"),
        ("shop@1.4.2", {}, None),
        ("20260101", {}, None),
        ("shop@1.4.2", {"git.commit": "abc"}, "abc"),
        (None, {}, None),
    ],
)
def test_the_commit(release: str | None, tags: dict[str, str], commit: str | None) -> None:
    assert command(release=release, tags=tags).commit_sha == commit


def test_the_request_without_what_lets_in() -> None:
    found = command(
        request={
            "url": "https://fred:hunter2@shop.example/orders/7?page=2",
            "method": "POST",
            "query_string": [["page", "2"]],
            "headers": [["Authorization", "hunter2"], ["X-Api-Key", "hunter2"], ["Cookie", "hunter2"], ["Accept", "*"]],
            "cookies": {"session": "hunter2"},
            "env": {"DB": "hunter2"},
            "data": {"cart": [1, 2]},
        }
    )
    assert found.request_path == "/orders/7"
    assert found.context == {
        "request.method": "POST",
        "request.url": "https://shop.example/orders/7?page=2",
        "request.query_string.page": "2",
        "request.headers.Accept": "*",
        "request.data.cart": "[1,2]",
    }


@pytest.mark.parametrize("odd", [None, 7, "x", True, [], [None, 7, ["a"]], {}, {"values": 7}, {"": None}, [[]], 1e300])
def test_nothing_odd_stops_an_event(odd: object) -> None:
    names = (
        "exception", "threads", "stacktrace", "breadcrumbs", "request", "user", "tags", "contexts", "extra", "level",
        "timestamp", "fingerprint", "logentry", "release", "environment", "server_name", "transaction", "platform",
    )  # fmt: skip
    for name in names:
        assert command(**{name: odd}).message
    assert command(**dict.fromkeys(names, odd)).message
    call = ("function", "module", "filename", "abs_path", "lineno", "colno", "in_app", "context_line")
    inner = dict.fromkeys(("type", "value", "module", "mechanism"), odd)
    inner["stacktrace"] = {"frames": [dict.fromkeys(call, odd)]}
    assert command(exception={"values": [inner, inner]}).frames
    crumb = dict.fromkeys(("timestamp", "type", "category", "level", "message", "data"), odd)
    assert len(command(message="boom", breadcrumbs=[crumb, {"message": "ok"}]).related_logs) in {1, 2}


def test_everything_is_bounded() -> None:
    wide = "x" * 1_000_000
    found = command(
        platform="python",
        message=wide,
        exception=[thrown(wide, wide, *([wide[:500]] * 300), frame={"context_line": wide})] * 60,
        breadcrumbs=[{"message": wide, "category": wide, "data": {"a": wide}}] * 300,
        tags={f"t{n}": wide for n in range(300)},
        extra={f"e{n}": wide for n in range(300)},
        release=wide,
        environment=wide,
        server_name=wide,
        transaction=wide,
        user={"id": wide},
        request={"url": f"https://x/{wide}", "headers": {f"H{n}": wide for n in range(300)}},
    )
    assert len(found.message) <= 10_000
    assert len(found.stack_trace or "") <= 100_000
    assert len(found.related_logs) <= 200
    assert max(len(line.message) for line in found.related_logs) <= 4_000
    assert (len(found.frames), len(found.tags), len(found.context)) == (200, 48, 50)
    assert max(len(value) for value in found.tags.values()) <= 200
    assert max(len(value) for value in found.context.values()) <= 2_000
    for value, limit in ((found.release, 250), (found.environment, 100), (found.instance_id, 256)):
        assert len(value or "") <= limit


_ADDRESS = st.text(st.sampled_from("htps:/.~%{}=,-aZ09_?#@é;"), max_size=12)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(("http://", "https://", "")), _ADDRESS)
def test_the_path_of_a_plain_address_is_what_urlsplit_says(scheme: str, rest: str) -> None:
    parts = urlsplit(scheme + rest)
    expected = (parts.path or ("/" if parts.netloc else "")) or None
    assert command(message="m", request={"url": scheme + rest}).request_path == expected
