"""Discord: what each channel shows, and what waits or failed. The core knows it even while the bot is down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from jinkies.errors import JinkiesError
from jinkies.model import AlertDetail, AlertRow, Delivery, PartState
from jinkies.words import number_of
from tui import theme
from tui.outbox import Channel, channels_of
from tui.screens.alert_life import AlertLife
from tui.session import Session
from tui.widgets.card_lines import detail_from_row
from tui.widgets.cards_view import CardsView, Shown
from tui.widgets.channel_list import ChannelList
from tui.widgets.frame import set_subtitle, set_title
from tui.work import start

_CARDS = 50
_DETAILS = 200  # most details held


class DiscordScreen(AlertLife):
    """Channels and outbox, and the cards of the selected channel."""

    TAB = "discord"
    AUTO_FOCUS = "CardsView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "pane", show=False, id="discord.pane", tooltip="Between channels and cards"),
        Binding("escape", "back", "back", show=False, id="discord.back", tooltip="To the channels"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.channels = ChannelList(id="channels")
        self.cards = CardsView(session.now_ms, id="cards")
        self._details: dict[int, AlertDetail] = {}
        self._wanted: list[int] = []
        self._loading = False

    def body(self) -> Iterable[Widget]:
        """Channels beside cards."""
        yield Container(self.channels, self.cards, id="discord")

    @property
    def current(self) -> AlertRow | None:
        """The selected card's alert."""
        return self.cards.selected

    def draw_changes(self, changed: Session.Changed) -> None:  # noqa: ARG002 - all of it is drawn from the replica
        """Channels and cards from the replica."""
        replica = self.session.replica
        deliveries = list(replica.deliveries.values()) if replica is not None else []
        missing = self._missing()
        found = [] if missing and not deliveries else channels_of(deliveries, self.session.config.discord)
        self.channels.show(found, self.session.health.get("discord"), missing)
        set_title(self.channels, "Discord")
        self._show_cards()

    def _missing(self) -> str | None:
        health = self.session.health.get("discord")
        if health is not None:
            return health.detail if health.state is PartState.UNCONFIGURED else None
        return self.session.config.discord.missing()

    def _show_cards(self) -> None:
        channel = self.channels.selected
        if channel is None:
            set_title(self.cards, "Cards")
            self.cards.show([], "Cards appear here as Discord shows them, once it is set up.")
            return
        deliveries = self._newest(channel)
        shown = [Shown(self._detail(one.alert_id), one) for one in deliveries[:_CARDS]]
        rest = len(deliveries) - len(shown)
        footnote = f"and {rest:,} older ones" if rest > 0 else "" if shown else "No cards yet: nothing was posted here."
        self.cards.show(shown, footnote)
        self._show_title()
        set_subtitle(self.cards, number_of(len(deliveries), "card"))
        self.refresh_bindings()
        self._want_details([one.alert_id for one in deliveries[:_CARDS]])

    def _show_title(self) -> None:
        channel = self.channels.selected
        if channel is not None:
            words, colour = self._standing(channel)
            set_title(self.cards, f"{channel.name} …{channel.channel_id[-4:]} ─ as Discord shows it", words, colour)

    def draw(self) -> None:
        """The title is drawn for a width, and the layout may have given another since."""
        self._show_title()

    def _newest(self, channel: Channel) -> list[Delivery]:
        def order(delivery: Delivery) -> tuple[int, int]:
            row = self.session.rows.get(delivery.alert_id)
            return (row.last_seen_at_ms if row is not None else delivery.changed_at_ms, delivery.alert_id)

        known = [one for one in channel.cards if self._known(one.alert_id)]
        return sorted(known, key=order, reverse=True)

    def _known(self, alert_id: int) -> bool:
        return alert_id in self.session.rows or alert_id in self._details

    def _detail(self, alert_id: int) -> AlertDetail:
        row, held = self.session.rows.get(alert_id), self._details.get(alert_id)
        if row is None and held is not None:
            return held
        if row is None or held is None:
            return detail_from_row(self.session.rows[alert_id])
        return msgspec.structs.replace(held, row=row)  # what people did shows at once, the occurrence a moment later

    def _standing(self, channel: Channel) -> tuple[str, str]:
        if self.session.lost:
            return "○ as last heard", theme.WARN_COLOUR
        if channel.failed:
            return f"✗ {len(channel.failed)} failed", theme.BAD_COLOUR
        if channel.waiting:
            return f"◌ {len(channel.waiting)} waiting", theme.WARN_COLOUR
        return "● in step", theme.OK_COLOUR

    def _want_details(self, alert_ids: list[int]) -> None:
        self._wanted = alert_ids
        if not self._loading and any(self._is_old(alert_id) for alert_id in alert_ids):
            self._loading = True
            start(self, self._load_details, group="cards")

    def _is_old(self, alert_id: int) -> bool:
        row, held = self.session.rows.get(alert_id), self._details.get(alert_id)
        return held is None or (row is not None and held.row.revision < row.revision)

    async def _load_details(self) -> None:
        """One after the other, what is new or changed; what changes meanwhile comes with the next change."""
        try:
            for alert_id in [one for one in self._wanted if self._is_old(one)]:
                self._details[alert_id] = await self.session.operator.alert(alert_id)
                if len(self._details) > _DETAILS:
                    del self._details[next(iter(self._details))]
        except JinkiesError:
            return  # what the replica holds is shown instead
        finally:
            self._loading = False
        self._redraw()

    def _redraw(self) -> None:
        cards = [Shown(self._detail(card.row.alert_id), card.delivery) for card in self.cards.cards]
        self.cards.show(cards, self.cards.footnote)

    def tick(self) -> None:
        """Ages move."""
        super().tick()
        self.cards.rebuild()

    def on_channel_list_chosen(self, message: ChannelList.Chosen) -> None:
        """Its cards."""
        message.stop()
        self._show_cards()
        if message.entered:
            self.cards.focus()

    def on_cards_view_highlighted(self, message: CardsView.Highlighted) -> None:
        """Other keys may work now."""
        message.stop()
        self.refresh_bindings()

    def action_back(self) -> None:
        """To the channels."""
        self.channels.focus()
