from __future__ import annotations

import json

import pytest

from jinkies.reading.fields import KEY_CHARS, MOST_DEPTH, MOST_PAIRS, VALUE_CHARS, flatten


def test_nested_objects_and_arrays_are_flattened_in_their_order() -> None:
    line = '{"z":1,"user":{"id":7,"name":"Ana","roles":["a",{"b":null}]},"ok":true,"rate":0.5,"e":{},"l":[],"t":""}'
    assert flatten(line) == (
        ("z", "1"),
        ("user.id", "7"),
        ("user.name", "Ana"),
        ("user.roles.0", "a"),
        ("user.roles.1.b", "null"),
        ("ok", "true"),
        ("rate", "0.5"),
        ("e", "{}"),
        ("l", "[]"),
        ("t", ""),
    )


def test_blanks_around_an_object_do_not_matter() -> None:
    assert flatten(' \n{"a":"b"}\n') == (("a", "b"),)
    assert flatten("{}") == ()


@pytest.mark.parametrize(
    "message",
    ["", "{", "[1]", "1", '"x"', "null", '{"a":1} trailing', "INFO {}", "{'a':1}", '{"a":' * 100_000, '{"a":NaN}',
     '{"a":"\udc80"}', '{"a":"' + "x" * 2_000_000 + '"}', "\x00{}"],
)  # fmt: skip
def test_what_is_no_json_object_has_no_fields(message: str) -> None:
    assert flatten(message) is None


def test_more_than_people_can_read_is_cut_and_said_so() -> None:
    pairs = flatten(json.dumps({f"k{at}": at for at in range(MOST_PAIRS + 1)}))
    assert pairs is not None
    assert pairs[-2:] == ((f"k{MOST_PAIRS - 1}", str(MOST_PAIRS - 1)), ("…", "cut"))
    assert len(flatten(json.dumps({f"k{at}": at for at in range(MOST_PAIRS)})) or ()) == MOST_PAIRS
    ((key, value),) = flatten(json.dumps({"k" * 1_000: "v" * 100_000})) or ()
    assert (len(key), len(value)) == (KEY_CHARS, VALUE_CHARS)
    assert key.endswith("k…")
    assert value.endswith("v…")


def test_what_is_nested_deeper_than_people_read_stays_json() -> None:
    deep: object = "x"
    for _ in range(MOST_DEPTH + 1):
        deep = {"d": deep}
    assert flatten(json.dumps(deep)) == ((".".join("d" * MOST_DEPTH), '{"d":"x"}'),)


def test_markup_and_escape_codes_are_kept_as_they_are() -> None:
    assert flatten('{"[bold]":"\\u001b[31m[red]"}') == (("[bold]", "\x1b[31m[red]"),)
