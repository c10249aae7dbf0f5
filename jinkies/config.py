"""Configuration: a TOML file, ``.env`` and the environment, the later winning, into one frozen ``Config``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from jinkies.hours import Span
from jinkies.matching import Matcher
from jinkies.model import Level, Severity
from jinkies.permissions import PermissionRule, Permissions, permissions_of


class Secret:
    """A secret text that no ``repr``, log or error shows; ``reveal()`` gives it to the one call that needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[services.<name>]``: what belongs to a service."""

    name: str
    log_groups: tuple[str, ...] = ()
    repository: str | None = None  # "owner/name"; None: GITHUB_REPO_OWNER/GITHUB_REPO_NAME
    environment: str | None = None  # None: the desk's
    runbook: str | None = None  # an http(s) address
    sentry_project: str | None = None  # the project in the DSN of its Sentry SDK: http://<token>@host:8080/<project>
    auto_resolve_hours: int | None = None  # None: the desk's


class DiscordConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[discord]`` and DISCORD_*. Ids are decimal digits, kept as text."""

    token: Secret | None = None
    guild_id: str | None = None
    alert_channel_id: str | None = None
    log_channel_id: str | None = None  # where tails go; None: where they are asked for
    allowed_roles: tuple[str, ...] = ()  # role ids that may do everything; see ``jinkies.permissions``
    permissions: tuple[PermissionRule, ...] = ()  # who may do what beside that
    max_actions_per_minute: int = 60  # of one user: commands, presses and forms; 0 is no bound
    threads: bool = False  # a thread on each card: its timeline, and comments that are written there
    max_new_cards_per_minute: int = 30  # a channel; what goes over is told in one digest; 0 is no bound
    api_url: str = "https://discord.com/api/v10"

    def missing(self) -> str | None:
        """What to set before Discord works, or None."""
        return _missing(
            DISCORD_BOT_TOKEN=self.token, DISCORD_GUILD_ID=self.guild_id, DISCORD_ALERT_CHANNEL_ID=self.alert_channel_id
        )

    @property
    def rights(self) -> Permissions:
        """Who may do what, of both forms together."""
        return permissions_of(self.permissions, allowed_roles=self.allowed_roles, guild_id=self.guild_id)


class GitHubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[github]``, GITHUB_* and DEFAULT_BASE_BRANCH."""

    token: Secret | None = None
    app_id: str | None = None
    private_key: Secret | None = None  # PEM, of the app
    owner: str | None = None
    repository: str | None = None
    base_branch: str | None = None  # None: the repository's default branch
    issue_labels: tuple[str, ...] = ("incident",)  # {service}, {severity} and {environment} are filled in
    api_url: str = "https://api.github.com"

    @property
    def default_repository(self) -> str | None:
        """As "owner/name", for services without a repository of their own, or None."""
        return f"{self.owner}/{self.repository}" if self.owner and self.repository else None

    def missing(self) -> str | None:
        """What to set before GitHub works, or None. A service with a repository of its own needs no default one."""
        if self.token is None and (self.app_id is None or self.private_key is None):
            return "set GITHUB_TOKEN (or GITHUB_APP_ID and GITHUB_PRIVATE_KEY)"
        return None


class AwsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """AWS_*: what is None is left to the SDK's own chain (shared files, SSO, instance role)."""

    region: str | None = None
    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    endpoint_url: str | None = None
    requests_per_second: float | None = None  # of reading logs; None: by region, and no bound for an emulator

    def missing(self) -> str | None:
        """What to set before AWS can be asked, or None."""
        if self.region is None and self.profile is None:
            return "set AWS_REGION (and credentials: a profile, keys or a role)"
        return None


class SenderToken(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that lets in, and who shows it."""

    name: str  # 1 to 40 of a-z, 0-9, ".", "_" and "-"
    token: Secret


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[http]``: where alerts come in."""

    listen: str = "127.0.0.1:8080"  # host:port; beyond loopback only with a token; port 0 takes a free one
    token: Secret | None = None  # JINKIES_WEBHOOK_TOKEN: bearer token, and key of the HMAC signature
    tokens: tuple[SenderToken, ...] = ()  # JINKIES_INGEST_TOKENS: as many more, each with its sender's name
    tokens_file: Path | None = None  # JINKIES_INGEST_TOKENS_FILE: more of them, read again when it changes
    max_body_bytes: int = 1_048_576  # as sent; 1 KiB to 16 MiB
    max_unpacked_bytes: int = 8_388_608  # of a compressed body; 1 KiB to 64 MiB
    max_per_second: float = 0.0  # accepted requests a second over all senders; 0 is no bound
    own_process: bool = True  # senders are served by a process of their own, beside the core's
    max_waiting: int = 1_000  # requests that may wait for a commit at once; 1 to 100,000


class SnsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[sns]``: which topics may report. Patterns are shell's: ``*`` is any run of characters."""

    topics: tuple[str, ...] = ()  # ARNs; () lets none in
    services: dict[str, str] = {}  # pattern of an alarm's name, a detail-type, a topic's name or ARN → service
    severities: dict[str, Severity] = {}  # likewise
    endpoint_url: str | None = None  # of an emulator on this machine, where subscriptions may be confirmed too
    certificate_file: Path | None = None  # of an emulator: PEM, trusted instead of any certificate of SNS

    def missing(self) -> str | None:
        """What to set before SNS may report, or None."""
        return None if self.topics else 'set topics in [sns], such as ["arn:aws:sns:eu-central-1:123456789012:alarms"]'


class WatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[[watches]]``: log lines that become alerts."""

    name: str
    service: str | None = None  # exactly one of service and log_group
    log_group: str | None = None
    pattern: str = ""  # CloudWatch's filter pattern; "" is every line
    level: Level = Level.NONE  # at least this
    severity: Severity = Severity.ERROR
    lines_before: int = 5  # surrounding lines attached, 0 to 50
    lines_after: int = 5


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[[routes]]``: where alerts that match are told, and who is called. The first that fits decides."""

    match: tuple[Matcher, ...]
    channels: tuple[str, ...]  # Discord ids, at least one
    hours: tuple[Span, ...] = ()  # () is always
    timezone: str = "UTC"
    mention: tuple[str, ...] = ()  # role:ID, user:ID, here, everyone: pinged when an alert opens or comes back
    escalate_after_minutes: int = 0  # unless somebody acknowledged, snoozed or resolved it by then,
    escalate_to: tuple[str, ...] = ()  # these are called


class RedactConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[redact]``: what is cut beside secrets, and what never is."""

    also: tuple[str, ...] = ()  # regular expressions, at most 50; each repeat has a bound
    keep: tuple[str, ...] = ()  # texts, and names whose values stay; at most 100
    emails: bool = False
    ips: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set, parsed once and passed down."""

    home: Path  # JINKIES_HOME: database, lock and socket
    environment: str = "production"
    log_level: str = "INFO"
    max_log_lines: int = 1_000  # MAX_LOG_LINES: most lines that one log answer holds, 1 to 10,000
    alert_retention_days: int = 30  # ALERT_RETENTION_DAYS: resolved alerts are deleted after that; 0 keeps them
    auto_resolve_hours: int = 0  # an alert that is quiet for so long is over, 0 to 8,760; 0 never
    services: dict[str, ServiceConfig] = {}
    discord: DiscordConfig = DiscordConfig()
    github: GitHubConfig = GitHubConfig()
    aws: AwsConfig = AwsConfig()
    http: HttpConfig = HttpConfig()
    sns: SnsConfig = SnsConfig()
    redact: RedactConfig = RedactConfig()
    watches: tuple[WatchConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    source: Path | None = None  # the file it was read from

    def repository_of(self, service: str) -> str | None:
        """Where a service's pull requests and issues go, as "owner/name": its own repository, else the default one."""
        own = self.services.get(service)
        if own is not None and own.repository:
            return own.repository
        return self.github.default_repository

    def missing_repository(self, service: str) -> str | None:
        """What to set before a service's pull requests have a repository, or None."""
        if self.repository_of(service):
            return None
        return f"set GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or repository in [services.{service}]"

    @property
    def socket_path(self) -> Path:
        """Where the core serves the control API."""
        return self.home / "core.sock"

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.home / "jinkies.db"

    @property
    def lock_path(self) -> Path:
        """Held by the one core of this database."""
        return self.home / "core.lock"


def _missing(**values: object) -> str | None:
    names = [name for name, value in values.items() if value is None]
    return f"set {', '.join(names)}" if names else None


def load_config(environ: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> Config:
    """Read the environment, ``.env`` and the file, the earlier winning over the later.

    Args:
        environ: the process's environment when None.
        cwd: where ``.env`` and ``jinkies.toml`` are looked for and relative paths start; the process's when None.

    Raises:
        ConfigError: with every mistake that there is, each with its place, its key and what would be right.
    """
    from jinkies.config_reader import read_config

    return read_config(environ, cwd=cwd)
