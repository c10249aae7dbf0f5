"""Envelopes as Sentry's developer documentation describes them."""

from __future__ import annotations

import pytest

from jinkies.ingest.refusals import MalformedJson
from jinkies.ingest.sentry.envelope import MAX_ITEMS, Item, read_envelope, read_headers

HEAD = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"http://key@localhost/42"}\n'


def items(body: bytes) -> tuple[Item, ...]:
    return read_envelope(HEAD + body).items


def test_headers() -> None:
    headers = read_headers(HEAD + b"rest")
    assert (headers.event_id, headers.dsn) == ("9ec79c33ec9942ab8353589fcb2e04dc", "http://key@localhost/42")
    assert read_headers(b"{}").dsn is None
    assert read_headers(b'{"dsn":7,"event_id":[]}').dsn == 7


def test_items_with_and_without_a_length() -> None:
    sized = b'{"type":"attachment","length":10}\nhello\nyou\n\n'
    plain = b'{"type":"event"}\n{"message":"hello"}\n'
    assert items(sized + plain) == (Item("attachment", b"hello\nyou\n"), Item("event", b'{"message":"hello"}'))
    assert items(plain + sized.removesuffix(b"\n")) == items(sized + plain)[::-1]
    assert items(plain.removesuffix(b"\n")) == (Item("event", b'{"message":"hello"}'),)


def test_payloads_may_be_empty_and_lines_may_follow() -> None:
    assert items(b"") == items(b"\n\n") == ()
    assert items(b'{"type":"attachment","length":0}\n\n{"type":"event"}\n{}\n\n\n') == (
        Item("attachment", b""),
        Item("event", b"{}"),
    )
    assert items(b'{"type":"attachment","length":0}') == (Item("attachment", b""),)
    assert items(b'{"type":"session"}\n') == (Item("session", b""),)


def test_what_is_no_length_or_no_type_counts_as_absent() -> None:
    assert items(b'{"type":["x"],"length":"5"}\nabc\n') == (Item("", b"abc"),)
    assert items(b'{"length":true}\nabc\n') == (Item("", b"abc"),)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the envelope's header: the body is empty"),
        (b"oops\n", "the envelope's header: invalid character"),
        (b"[]\n", "the envelope's header: expected a JSON object"),
        (b"{}\noops\n", "the header of item 0: invalid character"),
        (b'{}\n{"type":"event","length":5}\nabc', "item 0: its payload is not 5 bytes long"),
        (b'{}\n{"type":"event","length":2}\nabc', "item 0: its payload is not 2 bytes long"),
        (b'{}\n{"type":"event","length":-1}\nabc', "item 0: its payload is not -1 bytes long"),
        (b"{}\n" + b'{"type":"session"}\n{}\n' * (MAX_ITEMS + 1), "more than 1,000 items in one envelope"),
        (b'{"a":"' + b"x" * 70_000 + b'"}\n', "the envelope's header is longer than 65536 bytes"),
        (b'{"a":' + b"[" * 50_000 + b"\n", "the envelope's header: nested deeper than 100 levels"),
    ],
)
def test_what_is_no_envelope_says_where(body: bytes, said: str) -> None:
    with pytest.raises(MalformedJson) as raised:
        read_envelope(body)
    assert str(raised.value).startswith(said)
