"""How many secrets of which kind were cut: as many as were cut, in the figures, and nowhere which."""

from __future__ import annotations

import logging

import pytest

from jinkies.commands import ReportOccurrence
from jinkies.config import Config, RedactConfig
from jinkies.core import Core
from jinkies.github.markdown import clean
from jinkies.ingest.metrics import render
from jinkies.logsetup import SecretFreeFormatter
from jinkies.model import SYSTEM, LogLine
from jinkies.redact import DEFAULT, Redactor, by_rules, redact_counted, redact_occurrence, secrets_cut, use
from jinkies.redact.kinds import Counting
from jinkies.stats import StatsQuery
from tests.redact import corpus

DAY_MS = 86_400_000
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"  # apart, for scanners of repositories
TEXTS = [line.translate(dict.fromkeys(map(ord, "«»⁞"))) for line in (*corpus.CUT, *corpus.KEPT)]
RULES = RedactConfig(also=(r"badge-\d{4}",), keep=("hunter2",))


@pytest.mark.parametrize("redactor", [DEFAULT, Redactor(also=["x-[0-9]{3}"], keep=["abc"], emails=True, ips=True)])
def test_counting_cuts_as_the_other_does(redactor: Redactor) -> None:
    for text in TEXTS:
        counting = Counting(redactor)
        assert counting.text(text) == redactor.text(text)
        assert counting.is_clean(text) == redactor.is_clean(text)
        report = ReportOccurrence(service="api", message=text, context={"a": text, "password": "b", "c": "d"})
        found, cut = redact_counted(report, redactor)
        assert found == redact_occurrence(report, redactor)
        assert sum(cut.values()) == secrets_cut(report, found), text


@pytest.mark.parametrize(
    ("fields", "cut"),
    [
        ({"message": "all is well"}, {}),
        ({"message": "password=hunter2 and token=abc12345"}, {"named_value": 2}),
        ({"message": "m", "context": {"db_password": "x", "city": "y"}}, {"named_value": 1}),
        ({"message": "Authorization was Bearer abc123DEF456"}, {"authorization": 1}),
        ({"message": f"found {AWS_ID} in the code"}, {"token": 1}),
        ({"message": "paid with 4111 1111 1111 1111"}, {"card_number": 1}),
        ({"message": "at postgres://u:pa55word@db/x"}, {"token": 1}),
        ({"message": "m", "stack_trace": "curl -u me:s3cretpw http://h"}, {"command_line": 1}),
    ],
)
def test_kinds(fields: dict[str, object], cut: dict[str, int]) -> None:
    report = ReportOccurrence(service="api", **fields)  # type: ignore[arg-type] # test data
    assert redact_counted(report, DEFAULT)[1] == cut


def test_a_key_that_was_logged_line_by_line_is_one() -> None:
    lines = ("-----BEGIN PRIVATE KEY-----", "A" * 64, "B" * 64, "-----END PRIVATE KEY-----")
    logs = tuple(LogLine(message=line) for line in lines)
    cut = redact_counted(ReportOccurrence(service="api", message="m", related_logs=logs), DEFAULT)[1]
    assert sum(cut.values()) == 1


async def test_the_figures_count_what_was_taken_in(core: Core) -> None:
    said = f"password=hunter2 {AWS_ID}"
    for service, key in (("api", "1"), ("api", "1"), ("api", "2"), ("worker", "3")):  # one is told twice
        await core.execute(ReportOccurrence(service=service, message=said), SYSTEM, key)
    now_ms = core.clock.now_ms()
    query = StatsQuery(since_ms=now_ms - DAY_MS, until_ms=now_ms + 1)
    assert (await core.reader.stats(query)).secrets == {"named_value": 3, "token": 3}
    of_one = StatsQuery(since_ms=now_ms - DAY_MS, until_ms=now_ms + 1, service="worker")
    assert (await core.reader.stats(of_one)).secrets == {"named_value": 1, "token": 1}
    text = render(await core.snapshot(), {})
    assert 'jinkies_secrets_cut_total{kind="named_value"} 3\n' in text
    assert 'jinkies_secrets_cut_total{kind="token"} 3\n' in text
    for table in ("secrets", "journal", "occurrences", "alerts", "idempotency"):
        rows = await core._store._db.execute_fetchall(f"SELECT * FROM {table}")  # noqa: S608 - the names above
        assert "hunter2" not in str(list(rows))


async def test_the_same_rules_hold_where_text_leaves(config: Config) -> None:
    said = "token=hunter2 badge-1234 password=other-secret"
    expected = "token=hunter2 [redacted] password=[redacted]"
    assert clean(said) != expected, "not before a program sets its rules"
    use(by_rules(RULES))
    try:
        assert clean(said) == expected
    finally:
        use(DEFAULT)
    record = logging.LogRecord("jinkies", logging.ERROR, __file__, 1, said, (), None)
    assert SecretFreeFormatter((), RULES).format(record).endswith(expected)
    assert config.redact == RedactConfig()
