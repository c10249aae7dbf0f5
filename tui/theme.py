"""The console's one theme, and the few rich styles that everything drawn by the line is made of.

A colour never speaks alone: every style here goes with a word or a mark beside it.
"""

from __future__ import annotations

from rich.style import Style
from textual.theme import Theme

from jinkies.model import Level, PartState, Severity, State
from jinkies.priority import Level as Priority

BACKGROUND = "#10131a"
SURFACE = "#161b25"
CURSOR = "#233044"
CURSOR_BLURRED = "#1b2331"
BORDER = "#2c3547"
TEXT_COLOUR = "#d5dbe6"
ACCENT_COLOUR = "#5ec9b9"
MUTED_COLOUR = "#8f99ad"
OK_COLOUR = "#5fcf92"
WARN_COLOUR = "#f2c65a"
BAD_COLOUR = "#ff6b70"

THEME = Theme(
    name="jinkies",
    primary=ACCENT_COLOUR,
    secondary="#8fb4ff",
    accent=ACCENT_COLOUR,
    warning=WARN_COLOUR,
    error=BAD_COLOUR,
    success=OK_COLOUR,
    foreground=TEXT_COLOUR,
    background=BACKGROUND,
    surface=SURFACE,
    panel="#1d2431",
    dark=True,
    text_alpha=1.0,
    variables={
        "border": ACCENT_COLOUR,
        "border-blurred": BORDER,
        "scrollbar": BORDER,
        "scrollbar-hover": "#3b475e",
        "scrollbar-active": ACCENT_COLOUR,
        "scrollbar-background": BACKGROUND,
        "scrollbar-background-hover": BACKGROUND,
        "scrollbar-background-active": BACKGROUND,
        "scrollbar-corner-color": BACKGROUND,
        "input-cursor-background": ACCENT_COLOUR,
        "input-selection-background": f"{ACCENT_COLOUR} 35%",
    },
)

TEXT = Style(color=TEXT_COLOUR)
STRONG = Style(color="#f2f5fa", bold=True)
MUTED = Style(color=MUTED_COLOUR)
FAINT = Style(color="#667189")
RULE = Style(color="#39445a")
ACCENT = Style(color=ACCENT_COLOUR)
ACCENT_STRONG = Style(color=ACCENT_COLOUR, bold=True)
LINK = Style(color="#8fb4ff")
OK = Style(color=OK_COLOUR)
WARN = Style(color=WARN_COLOUR)
BAD = Style(color=BAD_COLOUR)
TAB_ON = Style(color="#0d1117", bgcolor=ACCENT_COLOUR, bold=True)
MATCH = Style(color="#10131a", bgcolor="#f2c65a")
MATCH_HERE = Style(color="#10131a", bgcolor="#ffa657", bold=True)
CURSOR_ROW = Style(bgcolor=CURSOR)
CURSOR_ROW_BLURRED = Style(bgcolor=CURSOR_BLURRED)

SEVERITY = {
    Severity.CRITICAL: Style(color="#ff6b70", bold=True),
    Severity.ERROR: Style(color="#ff9a5c"),
    Severity.WARNING: Style(color="#f2c65a"),
    Severity.INFO: Style(color="#7fb0ff"),
}
SEVERITY_CRITICAL = SEVERITY[Severity.CRITICAL]
PRIORITY = {Priority.URGENT: SEVERITY_CRITICAL, Priority.HIGH: WARN, Priority.NORMAL: FAINT, Priority.LOW: RULE}
PRIORITY_WORD = PRIORITY | {Priority.NORMAL: TEXT, Priority.LOW: MUTED}
STATE = {State.OPEN: STRONG, State.ACKNOWLEDGED: ACCENT, State.SNOOZED: MUTED, State.RESOLVED: OK}
LEVEL = {
    Level.NONE: FAINT,
    Level.DEBUG: FAINT,
    Level.INFO: Style(color="#7fb0ff"),
    Level.WARNING: WARN,
    Level.ERROR: Style(color="#ff9a5c"),
    Level.CRITICAL: Style(color="#ff6b70", bold=True),
}
PART = {PartState.OK: OK, PartState.CONNECTING: WARN, PartState.FAILED: BAD, PartState.UNCONFIGURED: FAINT}
PART_MARK = {PartState.OK: "●", PartState.CONNECTING: "◌", PartState.FAILED: "✗", PartState.UNCONFIGURED: "○"}
