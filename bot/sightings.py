"""Which of our messages a channel already shows: how one is adopted whose posting nobody recorded."""

from __future__ import annotations

from bot.courier import Courier, Shown
from bot.custom_ids import epoch8, sighted

PAGES_LIMIT = 10  # 1,000 messages back; beyond, a card that nobody recorded is posted again
_DISCORD_EPOCH_MS = 1_420_070_400_000  # Discord's reference, "Snowflakes"
_CLOCK_SKEW_MS = 120_000


class Sightings:
    """A channel's own messages of this epoch, read backwards as far as somebody asked.

    Args:
        courier: reads the channel.
        channel_id: of the channel.
        epoch: of the journal; messages of another one are not ours.
    """

    def __init__(self, courier: Courier, channel_id: str, epoch: str) -> None:
        self._courier = courier
        self._channel_id = channel_id
        self._epoch8 = epoch8(epoch)
        self._found: dict[tuple[int, str], str] = {}  # by alert and kind
        self._oldest: str | None = None
        self._pages = 0
        self._exhausted = False

    async def look(self) -> None:
        """Read the newest messages. Raises ``CourierError``."""
        if self._pages == 0:
            await self._read_page()

    async def find(self, alert_id: int, kind: str, *, since_ms: int) -> str | None:
        """The newest message that is the alert's delivery of a kind, posted after ``since_ms``; None: there is none.

        Raises:
            CourierError: the channel can't be read.
        """
        while (alert_id, kind) not in self._found and not self._reached(since_ms):
            await self._read_page()
        return self._found.get((alert_id, kind))

    def _reached(self, since_ms: int) -> bool:
        if self._exhausted or self._pages >= PAGES_LIMIT:
            return True
        return self._oldest is not None and posted_at_ms(self._oldest) < since_ms - _CLOCK_SKEW_MS

    async def _read_page(self) -> None:
        page = await self._courier.list(self._channel_id, before=self._oldest)
        self._pages += 1
        if not page:
            self._exhausted = True
            return
        for shown in page:
            self._note(shown)
        self._oldest = min((shown.message_id for shown in page), key=int)

    def _note(self, shown: Shown) -> None:
        if not shown.mine:
            return
        for text in shown.custom_ids:
            meant = sighted(text)
            if meant is not None and meant[2] == self._epoch8:
                known = self._found.get(meant[:2])
                if known is None or int(shown.message_id) > int(known):
                    self._found[meant[:2]] = shown.message_id
                return


def posted_at_ms(message_id: str) -> int:
    """When a message was posted, which its id says."""
    return (int(message_id) >> 22) + _DISCORD_EPOCH_MS
