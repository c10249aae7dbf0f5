"""A page of alerts as a message."""

from __future__ import annotations

import msgspec

from bot.contexts import Shown
from bot.pages import PAGE_ROWS, asked, frozen, page_message
from bot.render import DESCRIPTION_LIMIT, TOTAL_LIMIT
from bot.text import units
from jinkies.model import AlertPage
from jinkies.query import parse
from tests.bot.test_render import EPOCH, ROW


def test_the_footer_says_what_was_asked_for_with_times_that_stay() -> None:
    now_ms = 1_767_225_600_123
    wanted = parse('since:2h until:5m service:"my api" tag:region=eu -retry "dead lock"', now_ms=now_ms)
    message = page_message(AlertPage(rows=(ROW,), next_cursor="5-4"), frozen(wanted), title="t", epoch=EPOCH)
    kept = asked(msgspec.convert({"id": "1", "embeds": msgspec.to_builtins(message.embeds)}, Shown))
    assert parse(kept, now_ms=now_ms + 86_400_000) == frozen(wanted)


def test_a_page_always_fits() -> None:
    title = "*" * 256
    row = msgspec.structs.replace(
        ROW, title=title, service="_" * 200, alert_id=10**17, count=10**12, assigned_to="😀" * 80
    )
    page = AlertPage(rows=(row,) * PAGE_ROWS, next_cursor="5-4", previous_cursor="6-4")
    wanted = parse("x" * 300, now_ms=0)
    [shown_page] = page_message(page, wanted, title="*" * 300, epoch=EPOCH).embeds
    assert shown_page.description.count("\n") == PAGE_ROWS - 1
    assert units(shown_page.description) <= DESCRIPTION_LIMIT
    footer = shown_page.footer
    assert footer is not None
    assert units(shown_page.title) + units(shown_page.description) + units(footer.text) <= TOTAL_LIMIT
