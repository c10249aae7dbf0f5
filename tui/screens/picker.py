"""Chooses whose logs to follow: a service of the configuration, or any log group by name."""

from __future__ import annotations

from jinkies.config import ServiceConfig
from tui.screens.chooser import ChooserScreen


def suggestions(services: dict[str, ServiceConfig], typed: str) -> list[tuple[str, str]]:
    """(target, what it is) for all that contain ``typed``: services first, then their log groups, each once."""
    found = [(name, " ".join(service.log_groups) or "no log groups set") for name, service in services.items()]
    groups = {group: name for name, service in services.items() for group in service.log_groups}
    found += [(group, f"log group of {name}") for group, name in groups.items()]
    wanted = typed.strip().casefold()
    return [pair for pair in found if wanted in pair[0].casefold()]


class PickerScreen(ChooserScreen):
    """Answers with a service or log group, or None."""

    def __init__(self, services: dict[str, ServiceConfig]) -> None:
        super().__init__(
            "Follow the logs of",
            "⏎ follow · ↑ ↓ choose · esc back",
            "a service, or a log group such as /aws/lambda/thumbs",
            lambda typed: suggestions(services, typed),
        )
