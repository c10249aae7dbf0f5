"""All key bindings, by place: what the help shows, and what a test holds against it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import BindingType

from tui.screens.alert_actions import AlertActions
from tui.screens.alert_life import AlertLife
from tui.screens.alerts import AlertsScreen
from tui.screens.bulk import BulkScreen
from tui.screens.discord import DiscordScreen
from tui.screens.issue import IssueScreen
from tui.screens.logs import LogsScreen
from tui.screens.marking import MarkedAlerts
from tui.screens.patterns import PatternsScreen
from tui.screens.pull_request import PullRequestScreen
from tui.screens.query import Ask, QueryScreen
from tui.screens.silence import SilenceScreen
from tui.screens.silences import SilencesScreen
from tui.screens.stats import NoisyTable, ServiceTable, StatsScreen
from tui.widgets.alert_table import AlertTable
from tui.widgets.lines import VI_KEYS
from tui.widgets.log_view import LogView
from tui.widgets.pattern_table import PatternTable
from tui.widgets.prompt import Prompt
from tui.widgets.row_table import RowTable

Group = tuple[str, Iterable[BindingType]]


def key_groups(app_bindings: list[BindingType]) -> list[Group]:
    """Titles and their bindings."""
    return [
        ("Everywhere", app_bindings),
        ("An alert, on Alerts and on Discord", [*AlertActions.BINDINGS, *AlertLife.BINDINGS]),
        ("Alerts", [*MarkedAlerts.BINDINGS, *AlertsScreen.BINDINGS, *AlertTable.BINDINGS]),
        ("Logs", [*LogsScreen.BINDINGS, *LogView.BINDINGS]),
        ("Patterns of the logs", [*PatternsScreen.BINDINGS, *PatternTable.BINDINGS]),
        ("Discord", DiscordScreen.BINDINGS),
        ("Query", [*QueryScreen.BINDINGS, *Ask.BINDINGS, *RowTable.BINDINGS]),
        ("Stats", [*StatsScreen.BINDINGS, NoisyTable.BINDINGS[0]]),
        ("Services, on Stats", [ServiceTable.BINDINGS[0]]),
        ("Deciding on what is marked", BulkScreen.BINDINGS),
        ("Silences", [*SilencesScreen.BINDINGS, *SilenceScreen.BINDINGS]),
        ("Scrolling a pane", VI_KEYS),
        ("Filter and search", Prompt.BINDINGS),
        ("Draft pull request", PullRequestScreen.BINDINGS),
        ("Issue", IssueScreen.BINDINGS),
    ]
