"""A page of ``/alerts``, with the buttons that turn it. Pure.

What was asked for stands in the footer, with times that no longer move, and where the page begins and ends in the
buttons: whoever is asked to turn it needs to remember nothing.
"""

from __future__ import annotations

import msgspec

from bot import custom_ids
from bot.contexts import Shown
from bot.render import (
    BUTTON_SECONDARY,
    TITLE_LIMIT,
    Button,
    Embed,
    EmbedFooter,
    Message,
    Row,
    alert_line,
)
from bot.text import escaped, plain_label
from jinkies import cards
from jinkies.clock import iso
from jinkies.model import AlertPage
from jinkies.query import Filter

PAGE_ROWS = 15  # so many lines always fit into an embed's description
FOOTER_LIMIT = 2_048  # Discord limit

_NONE_LEFT = "0-0"
_QUIET_COLOUR = 0x30A46C


def frozen(wanted: Filter) -> Filter:
    """The same with the moments that "2h ago" and the like meant when it was asked."""
    since = iso(wanted.since_ms) if wanted.since_ms is not None else ""
    until = iso(wanted.until_ms) if wanted.until_ms is not None else ""
    return msgspec.structs.replace(wanted, since=since, until=until)


def asked(message: Shown | None) -> str:
    """What a page's footer says was asked for; "" when there is none."""
    return message.embeds[0].footer.text if message is not None and message.embeds else ""


def page_message(page: AlertPage, wanted: Filter, *, title: str, epoch: str) -> Message:
    """A page of at most ``PAGE_ROWS``.

    Args:
        page: what was found.
        wanted: what was asked for, frozen.
        title: the same in words.
        epoch: of the journal.
    """
    lines = [alert_line(row) for row in page.rows[:PAGE_ROWS]]
    turns = (
        ("newer", "◀ Newer", page.previous_cursor),
        ("older", "Older ▶", page.next_cursor),
    )
    buttons = tuple(
        Button(
            style=BUTTON_SECONDARY,
            label=label,
            custom_id=custom_ids.own("page", epoch, way, cursor or _NONE_LEFT),
            disabled=cursor is None,
        )
        for way, label, cursor in turns
    )
    more = page.previous_cursor is not None or page.next_cursor is not None
    return Message(
        embeds=(
            Embed(
                title=escaped(f"Alerts · {title}", TITLE_LIMIT),
                description="\n".join(lines) or "None.",
                color=cards.colour(page.rows[0]) if page.rows else _QUIET_COLOUR,
                footer=EmbedFooter(plain_label(wanted.text, FOOTER_LIMIT)) if more else None,
            ),
        ),
        components=(Row(components=buttons),) if more else (),
    )
