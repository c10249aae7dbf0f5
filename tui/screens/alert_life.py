"""More of an alert's life than deciding on it: it becomes part of another, is split off, is silenced."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from jinkies.commands import Merge, ShowCard, Split
from jinkies.model import AlertRow, DeliveryState, What
from tui.screens.alert_actions import AlertActions

_SUGGESTED = 30


class AlertLife(AlertActions):
    """A screen on which one alert is the current one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "silence", "silence", id="alert.silence", tooltip="Silence alerts like it, for a while"),
        Binding("W", "silences", "silences", show=False, id="alert.silences", tooltip="What is silenced, and will be"),
        Binding("M", "merge", "merge", show=False, id="alert.merge", tooltip="Make it part of another alert"),
        Binding("D", "card", "card", show=False, id="alert.card", tooltip="Post its card: only a digest tells of it"),
        Binding("Z", "split", "split", show=False, id="alert.split", tooltip="Split it off; or off it what was merged"),
    ]

    @property
    def parts(self) -> tuple[AlertRow, ...]:
        """What is merged into the current alert, as far as it is known."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are dimmed."""
        row = self.current
        if action == "card":
            return True if row is not None and self._is_digested(row) else None
        if action in {"silence", "merge", "split"}:
            possible = row is not None and (
                action == "silence" or (row.merged_into is None) == (action == "merge") or bool(row.parts)
            )
            return True if possible else None
        return super().check_action(action, parameters)

    def _is_digested(self, row: AlertRow) -> bool:
        deliveries = self.session.replica.deliveries if self.session.replica is not None else {}
        return any(
            key[0] == row.alert_id and one.what is What.CARD and one.state is DeliveryState.DIGESTED
            for key, one in deliveries.items()
        )

    def action_card(self) -> None:
        """One of its own in Discord, where only a digest tells of it."""
        if (row := self.current) is not None and self._is_digested(row):
            self.do(ShowCard(alert_id=row.alert_id))

    def action_silence(self) -> None:
        """Tell nobody of alerts like it."""
        from tui.screens.silence import SilenceScreen  # not before it is wanted

        if (row := self.current) is not None:
            self.app.push_screen(SilenceScreen(self.session, row))

    def action_silences(self) -> None:
        """All of them."""
        from tui.screens.silences import SilencesScreen  # not before it is wanted

        self.app.push_screen(SilencesScreen(self.session))

    # Merge and split

    def action_merge(self) -> None:
        """Both are one thing."""
        from tui.screens.chooser import ChooserScreen  # not before it is wanted

        if (row := self.current) is not None:
            keys = "⏎ merge · ↑ ↓ choose · esc back"
            chooser = ChooserScreen(
                f"Make #{row.alert_id} part of", keys, "a number, or words of its title", partial(self._others, row)
            )
            self.app.push_screen(chooser, partial(self._merge, row))

    def _others(self, row: AlertRow, typed: str) -> list[tuple[str, str]]:
        """The same service's, the newest first."""
        rows = [
            other
            for other in self.session.rows.values()
            if other.service == row.service and other.alert_id != row.alert_id and other.merged_into is None
        ]
        rows.sort(key=lambda other: other.last_seen_at_ms, reverse=True)
        return _matching(rows, typed)

    def _merge(self, row: AlertRow, chosen: str | None) -> None:
        into = self._number(chosen)
        if into is not None:
            self.do(Merge(alert_id=row.alert_id, into=into, seen_rev=row.decision_rev))

    def action_split(self) -> None:
        """It, or what is part of it, is one of its own again."""
        from tui.screens.chooser import ChooserScreen  # not before it is wanted

        row = self.current
        if row is None:
            return
        if row.merged_into is not None:
            self.do(Split(alert_id=row.alert_id, seen_rev=row.decision_rev))
            return
        parts = [_of(part, self.parts) for part in reversed(row.parts)]
        chooser = ChooserScreen(
            f"Split off #{row.alert_id}", "⏎ split off · ↑ ↓ choose · esc back", "a number", partial(_typed_of, parts)
        )
        self.app.push_screen(chooser, self._split)

    def _split(self, chosen: str | None) -> None:
        part = self._number(chosen)
        if part is not None:
            self.do(Split(alert_id=part))

    def _number(self, chosen: str | None) -> int | None:
        digits = (chosen or "").strip().removeprefix("#")
        if chosen is not None and not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            self.notify(f"{chosen[:40]!r} is no alert's number: 42 or #42", severity="warning", markup=False)
            return None
        return int(digits) if digits else None


def _matching(rows: list[AlertRow], typed: str) -> list[tuple[str, str]]:
    wanted = typed.strip().removeprefix("#").casefold()
    found = [row for row in rows if str(row.alert_id).startswith(wanted) or wanted in row.title.casefold()]
    return [(f"#{row.alert_id}", f"{row.title}  ×{row.count}") for row in found[:_SUGGESTED]]


def _of(alert_id: int, known: tuple[AlertRow, ...]) -> tuple[str, str]:
    row = next((one for one in known if one.alert_id == alert_id), None)
    return (f"#{alert_id}", f"{row.title}  ×{row.count}" if row is not None else "")


def _typed_of(parts: list[tuple[str, str]], typed: str) -> list[tuple[str, str]]:
    wanted = typed.strip().removeprefix("#")
    return [part for part in parts if part[0][1:].startswith(wanted)]
