from __future__ import annotations

import pytest

from jinkies.reading.templates import MOST_CHARS, template_of

U = "8f5e7a2c-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("2026-11-22 20:40:21,123 INFO GET /orders/77 200 41ms req=7f3a",
         "<time> INFO GET /orders/<number> <number> <number>ms req=<id>"),
        (f"2026-11-22T20:40:21.123Z\t{U}\tINFO\tdone", "<time> <uuid> INFO done"),
        ("connection from 10.1.2.3:5432 (attempt 2/5)", "connection from <ip> (attempt <number>/<number>)"),
        ("from fe80::1ff:fe23:4567:890a accepted", "from <ip> accepted"),
        ("user ana@example.com logged in", "user <email> logged in"),
        ("mail to ana.b7+x@mail.example.com, queued", "mail to <email>, queued"),
        ("KeyError: 'order_id'", "KeyError: <text>"),
        ('unknown field "amount" of order 7', "unknown field <text> of order <number>"),
        ("it's John's cart", "it's John's cart"),
        ('level=info msg="order placed" user="Ana B"', 'level=info msg="order placed" user=<text>'),
        ("commit deadbeef1234 by i-0abc123def456", "commit <hex> by i-<hex>"),
        ("pointer 0x7ffd12 is null", "pointer <hex> is null"),
        ("took 1.5s, 12% of 3,000 rows; 4MB", "took <number>s, <number>% of <number> rows; <number>MB"),
        ("temperature -5 of web-03 and worker-12", "temperature <number> of web-<number> and worker-<number>"),
        ("GET /api/v2/orders/91/items/ab12cd?page=2&q=shoes",
         "GET /api/v2/orders/<number>/items/<id>?page=<text>&q=<text>"),
        ('10.0.0.7 - - [22/Nov/2026:20:40:21 +0000] "GET /items/4 HTTP/1.1" 200 77 "-" "Mozilla/5.0"',
         '<ip> - - [<time>] "GET /items/<number> HTTP/<number>" <number> <number> <text> <text>'),
        ("REPORT RequestId: 8f5e7a2c-1111-2222-3333-444455556666\tDuration: 3.00 ms",
         "REPORT RequestId: <uuid> Duration: <number> ms"),
        ("session_id=abc user=ana n=3", "session_id=<id> user=<id> n=<number>"),
        ("pod api-7d4b9c6f5d-x2k8p started", "pod api-<pod> started"),
        ("object 01ARZ3NDEKTSV4RRFFQ69G5FAV stored", "object <id> stored"),
        # JSON
        ('{"level":"info","msg":"order 7 placed","order":7}', "order <number> placed"),
        ('{"message":{"a":1},"event":"charge","amount":12}', "charge"),
        ('{"req":"7f3b","amount":12,"at":"x"}', "{amount, at, req}"),
        ("{}", "{}"),
        ('{"msg": broken 7', '{<text>: broken <number>'),
        # several lines
        ('Traceback (most recent call last):\n  File "a.py", line 3\nKeyError: \'x\'\n', "KeyError: <text>"),
        ('ERROR order 7\nTraceback (most recent call last):\n  File "a.py"\nValueError: 12',
         "ERROR order <number> ValueError: <number>"),
        ("java.lang.X: id 7\n\tat a.b(C.java:1)", "java.lang.X: id <number>"),
        ("", ""),
        ("   ", ""),
        ("[bold]\x1b[31m", "[bold]"),
    ],
)  # fmt: skip
def test_the_template_of_a_line(message: str, template: str) -> None:
    assert template_of(message) == template


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GET /orders/77 200 41ms req=7f3a", "GET /orders/1234 503 1.2ms req=abcd"),
        ("order 7f3ab2 shipped", "order 12cdef shipped"),
        ('{"msg":"a 1","x":1}', '{"y":1,"msg":"a 22"}'),
        ('{"b":1,"a":2}', '{"a":"x","b":null}'),
        ("2026-11-22 20:40:21,123 INFO up", "2025-01-02 00:00:00,001 INFO up"),
        ("at 20:40:21 from 10.0.0.1", "at 01:02:03 from 192.168.255.254"),
    ],
)
def test_lines_that_differ_in_what_changes_share_a_template(one: str, other: str) -> None:
    assert template_of(one) == template_of(other)


def test_lines_that_say_something_else_do_not() -> None:
    lines = ["GET /orders/7 200", "GET /carts/7 200", "POST /orders/7 200", "GET /api/v1/a", "GET /api/v2/a"]
    assert len({template_of(line) for line in lines}) == len(lines)


@pytest.mark.parametrize(
    "message",
    ["x" * 1_000_000, "7" * 1_000_000, "a1" * 500_000, '"' * 500_000, "1.1" * 300_000, "a=" * 500_000, "/?=" * 300_000,
     '{"' + "k" * 900_000 + '":1}', '{"a":' * 100_000, "a@" * 500_000, ":" * 500_000, "\n" * 500_000,
     "Traceback (most recent call last):\n" * 20_000, "f:" * 500_000],
)  # fmt: skip
def test_hostile_lines_have_a_short_template(message: str) -> None:
    assert len(template_of(message)) <= 9 * MOST_CHARS


def test_objects_with_many_keys_have_a_short_template() -> None:
    template = template_of("{" + ",".join(f'"k{at:04}":1' for at in range(10_000)) + "}")
    assert template.startswith("{k0000, k0001, ")
    assert template.endswith("k0039, …}")
