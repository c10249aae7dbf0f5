"""The reading behind ``load_config``: one table of settings, and every mistake at once.

A value of the file that the environment overrides is checked all the same: it would surprise whoever unsets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinkies import config_checks as checks
from jinkies import config_permissions, config_redact, config_routes, config_sns
from jinkies.config import (
    AwsConfig,
    Config,
    DiscordConfig,
    GitHubConfig,
    HttpConfig,
    RedactConfig,
    RouteConfig,
    Secret,
    ServiceConfig,
    SnsConfig,
    WatchConfig,
)
from jinkies.config_senders import FILE_VARIABLE, VARIABLE, read_senders
from jinkies.config_sources import (
    Environment,
    Mistakes,
    did_you_mean,
    find_file,
    read_environment,
    read_secret,
    read_text,
    read_toml,
    resolve,
    xdg_folder,
)
from jinkies.errors import ConfigError
from jinkies.model import Level, Severity


class Setting(NamedTuple):
    """A key of the file and the variables that override it, the first that is set winning."""

    section: str  # "" is the top of the file
    key: str
    check: checks.Check
    variables: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """As mistakes name it: ``http.listen``."""
        return f"{self.section}.{self.key}" if self.section else self.key


class SecretSetting(NamedTuple):
    """A secret: only from ``variable`` or the file that ``<variable>_FILE`` names."""

    section: str
    key: str
    variable: str
    check: checks.Check = checks.secret


SETTINGS = (
    Setting("", "environment", checks.text, ("ENVIRONMENT_NAME",)),
    Setting("", "log_level", checks.log_level, ("LOG_LEVEL",)),
    Setting("", "max_log_lines", checks.whole(1, 10_000), ("MAX_LOG_LINES",)),
    Setting("", "alert_retention_days", checks.whole(0, 36_500), ("ALERT_RETENTION_DAYS",)),
    Setting("", "auto_resolve_hours", checks.whole(0, 8_760)),
    Setting("discord", "guild_id", checks.discord_id, ("DISCORD_GUILD_ID",)),
    Setting("discord", "alert_channel_id", checks.discord_id, ("DISCORD_ALERT_CHANNEL_ID",)),
    Setting("discord", "log_channel_id", checks.discord_id, ("DISCORD_LOG_CHANNEL_ID",)),
    Setting("discord", "allowed_roles", checks.discord_ids, ("DISCORD_ALLOWED_ROLES",)),
    Setting("discord", "threads", checks.flag),
    Setting("discord", "max_new_cards_per_minute", checks.whole(0, 1_000)),
    Setting("discord", "max_actions_per_minute", checks.whole(0, 10_000)),
    Setting("discord", "api_url", checks.url),
    Setting("github", "app_id", checks.app_id, ("GITHUB_APP_ID",)),
    Setting("github", "owner", checks.owner, ("GITHUB_REPO_OWNER",)),
    Setting("github", "repository", checks.repository_name, ("GITHUB_REPO_NAME",)),
    Setting("github", "base_branch", checks.branch, ("DEFAULT_BASE_BRANCH",)),
    Setting("github", "issue_labels", checks.labels),
    Setting("github", "api_url", checks.url),
    Setting("aws", "region", checks.region, ("AWS_REGION", "AWS_DEFAULT_REGION")),
    Setting("aws", "profile", checks.text, ("AWS_PROFILE",)),
    Setting(
        "aws",
        "endpoint_url",
        checks.url,
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_LOGS", "AWS_ENDPOINT_URL"),
    ),
    Setting("aws", "requests_per_second", checks.pace),
    Setting("http", "listen", checks.listen),
    Setting("http", "max_body_bytes", checks.whole(1_024, 16 * 1_048_576)),
    Setting("http", "max_unpacked_bytes", checks.whole(1_024, 64 * 1_048_576)),
    Setting("http", "max_per_second", checks.rate),
    Setting("http", "own_process", checks.flag),
    Setting("http", "max_waiting", checks.whole(1, 100_000)),
    Setting("sns", "topics", config_sns.topics),
    Setting("sns", "services", config_sns.patterns(checks.text)),
    Setting("sns", "severities", config_sns.patterns(checks.one_of(Severity))),
    Setting("sns", "endpoint_url", config_sns.emulator),
    Setting("sns", "certificate_file", config_sns.file),
    *(Setting("redact", key, check) for key, check in config_redact.CHECKS.items()),
)
SECRETS = (
    SecretSetting("discord", "token", "DISCORD_BOT_TOKEN"),
    SecretSetting("github", "token", "GITHUB_TOKEN"),
    SecretSetting("github", "private_key", "GITHUB_PRIVATE_KEY", checks.private_key),
    SecretSetting("aws", "access_key_id", "AWS_ACCESS_KEY_ID"),
    SecretSetting("aws", "secret_access_key", "AWS_SECRET_ACCESS_KEY"),
    SecretSetting("aws", "session_token", "AWS_SESSION_TOKEN"),
    SecretSetting("http", "token", "JINKIES_WEBHOOK_TOKEN"),
)
SERVICE_CHECKS: dict[str, checks.Check] = {
    "log_groups": checks.log_groups,
    "repository": checks.repository,
    "environment": checks.text,
    "runbook": checks.url,
    "sentry_project": checks.sentry_project,
    "auto_resolve_hours": checks.whole(0, 8_760),
}
WATCH_CHECKS: dict[str, checks.Check] = {
    "name": checks.text,
    "service": checks.text,
    "log_group": checks.log_group,
    "pattern": checks.pattern,
    "level": checks.one_of(Level),
    "severity": checks.one_of(Severity),
    "lines_before": checks.whole(0, 50),
    "lines_after": checks.whole(0, 50),
}
SECTIONS = ("discord", "github", "aws", "http", "sns", "redact")
OWN_VARIABLES = frozenset(
    {"JINKIES_CONFIG", "JINKIES_HOME", VARIABLE, FILE_VARIABLE}
    | {name for setting in SETTINGS for name in setting.variables}
    | {name for setting in SECRETS for name in (setting.variable, f"{setting.variable}_FILE")}
)
_OTHERS = ("JINKIES_DISCORD_SPEC", "JINKIES_TEST_")  # of the tests and of `make contract`


class _Reader:
    """One reading; ``values`` are by section what was set and is right."""

    def __init__(self, environ: Mapping[str, str] | None, cwd: Path) -> None:
        self.mistakes = Mistakes()
        self.cwd = cwd
        self.environ = environ
        self.environment: Environment = read_environment(environ, cwd, self.mistakes)
        self.path = find_file(self.environment, environ, cwd, self.mistakes)
        self.place = _place(self.path, cwd) if self.path else ""
        self.file = read_toml(self.path, self.place, self.mistakes) if self.path else {}
        self.values: dict[str, dict[str, Any]] = {section: {} for section in ("", *SECTIONS)}

    def checked(self, place: str, key: str, check: checks.Check, value: object) -> object | None:
        """The value to use, or None and a mistake."""
        try:
            return check(value)
        except checks.Wrong as error:
            self.mistakes.add(place, key, str(error))
            return None

    def table(self, path: str, value: object) -> dict[str, object]:
        """A table of the file; {} and a mistake when it is something else."""
        if isinstance(value, dict):
            return value
        self.mistakes.add(self.place, path, f"expected a table, [{path}], got {checks.kind_of(value)}")
        return {}

    def unknown(self, path: str, known: list[str]) -> None:
        """A key that means nothing: a secret that must not be here, or a slip of the pen."""
        if variable := _secret_variable(path):
            problem = (
                f"a secret does not belong into this file; set {variable}, or {variable}_FILE to a file that holds it"
            )
        elif path in {"home", "jinkies_home"}:
            problem = "not read from this file; set JINKIES_HOME"
        else:
            problem = f"unknown key{did_you_mean(path, known)}"
        self.mistakes.add(self.place, path if path.isprintable() else repr(path), problem)


def read_config(environ: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> Config:
    """What ``jinkies.config.load_config`` describes."""
    reader = _Reader(environ, (cwd or Path()).absolute())
    _read_sections(reader)
    services = _read_services(reader)
    watches = _read_watches(reader, services)
    routes = _read_routes(reader)
    _read_permissions(reader)
    _read_variables(reader)
    home = _read_home(reader)
    _check_certificate(reader)
    if reader.mistakes.lines:
        raise ConfigError(tuple(reader.mistakes.lines))
    values = reader.values
    return Config(
        home=home,
        services=services,
        discord=DiscordConfig(**values["discord"]),
        github=GitHubConfig(**values["github"]),
        aws=AwsConfig(**values["aws"]),
        http=HttpConfig(**values["http"]),
        sns=SnsConfig(**values["sns"]),
        redact=RedactConfig(**values["redact"]),
        watches=watches,
        routes=routes,
        source=reader.path,
        **values[""],
    )


def _read_sections(reader: _Reader) -> None:
    """The keys of the file that have a place in ``SETTINGS``, and those that have none."""
    settings = {setting.path: setting for setting in SETTINGS}
    known = [*settings, "services", "watches", "routes", config_permissions.KEY, *SECTIONS]
    for top, content in reader.file.items():
        if top in {"services", "watches", "routes"}:
            continue
        keys = {f"{top}.{key}": value for key, value in reader.table(top, content).items()} if top in SECTIONS else {}
        for path, value in keys.items() if top in SECTIONS else [(top, content)]:
            setting = settings.get(path)
            if path == config_permissions.KEY:
                continue
            if setting is None:
                reader.unknown(path, known)
                continue
            result = reader.checked(reader.place, path, setting.check, value)
            if result is not None:
                reader.values[setting.section][setting.key] = result


def _read_services(reader: _Reader) -> dict[str, ServiceConfig]:
    services: dict[str, ServiceConfig] = {}
    for name, content in reader.table("services", reader.file.get("services", {})).items():
        path = f"services.{name}"
        if reader.checked(reader.place, "services", checks.text, name) is None:
            continue
        values = _read_table(reader, path, reader.table(path, content), SERVICE_CHECKS)
        services[name] = ServiceConfig(name=name, **values)
    _check_projects(reader, services)
    return services


def _check_projects(reader: _Reader, services: dict[str, ServiceConfig]) -> None:
    """One Sentry project is one service."""
    owners: dict[str, str] = {}
    for name, service in services.items():
        project = service.sentry_project
        if project is not None and owners.setdefault(project, name) != name:
            path = f"services.{name}.sentry_project"
            reader.mistakes.add(reader.place, path, f"{project!r} is that of [services.{owners[project]}]")


def _read_table(
    reader: _Reader, path: str, content: dict[str, object], known: dict[str, checks.Check]
) -> dict[str, Any]:
    """What of a table is right; unknown keys and wrong values are mistakes."""
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            reader.unknown(f"{path}.{key}", [f"{path}.{one}" for one in known])
            continue
        result = reader.checked(reader.place, f"{path}.{key}", known[key], value)
        if result is not None:
            values[key] = result
    return values


def _read_watches(reader: _Reader, services: dict[str, ServiceConfig]) -> tuple[WatchConfig, ...]:
    listed = reader.file.get("watches", [])
    if not isinstance(listed, list):
        reader.mistakes.add(reader.place, "watches", f"expected [[watches]], got {checks.kind_of(listed)}")
        return ()
    watches: dict[str, tuple[str, WatchConfig]] = {}
    for index, content in enumerate(listed):
        path = f"watches[{index}]"
        if not isinstance(content, dict):
            reader.mistakes.add(reader.place, path, f"expected a table, [[watches]], got {checks.kind_of(content)}")
            continue
        values = _read_table(reader, path, content, WATCH_CHECKS)
        if not _check_target(reader, path, content, services):
            continue
        target = values.get("service") or values.get("log_group") or ""
        name = values.setdefault("name", f"{target} {values.get('pattern', '')}".strip())
        if name in watches:
            reader.mistakes.add(
                reader.place, f"{path}.name", f"{name!r} is taken by {watches[name][0]}; give it another"
            )
        else:
            watches[name] = (path, WatchConfig(**values))
    return tuple(watch for _, watch in watches.values())


def _read_routes(reader: _Reader) -> tuple[RouteConfig, ...]:
    listed = reader.file.get("routes", [])
    if not isinstance(listed, list) or len(listed) > config_routes.MOST:
        reader.mistakes.add(reader.place, "routes", f"expected [[routes]], at most {config_routes.MOST} of them")
        return ()
    routes: list[RouteConfig] = []
    for index, content in enumerate(listed):
        path = f"routes[{index}]"
        if not isinstance(content, dict):
            reader.mistakes.add(reader.place, path, f"expected a table, [[routes]], got {checks.kind_of(content)}")
            continue
        values = _read_table(reader, path, content, config_routes.CHECKS)
        missing = [key for key in ("match", "channels") if key not in content]
        for key in missing:
            reader.mistakes.add(reader.place, f"{path}.{key}", "is missing: a route has a match and channels")
        together = ("escalate_after_minutes", "escalate_to")
        if len(half := [key for key in together if key not in content]) == 1:
            reader.mistakes.add(reader.place, f"{path}.{half[0]}", "is missing: set both, when and whom to call")
        if not missing and {"match", "channels"} <= values.keys():
            routes.append(RouteConfig(**values))
    return tuple(routes)


def _read_permissions(reader: _Reader) -> None:
    section = reader.file.get("discord")
    listed = section.get("permissions", []) if isinstance(section, dict) else []

    def table(path: str, content: dict[str, object], known: dict[str, checks.Check]) -> dict[str, Any]:
        return _read_table(reader, path, content, known)

    found = config_permissions.read_permissions(listed, reader.place, reader.mistakes, table)
    if found:
        reader.values["discord"]["permissions"] = found


def _check_target(reader: _Reader, path: str, content: dict[str, object], services: dict[str, ServiceConfig]) -> bool:
    """Exactly one of service and log group; a service that is there and has logs."""
    if ("service" in content) == ("log_group" in content):
        reader.mistakes.add(reader.place, path, 'set exactly one of service and log_group, such as service = "api"')
        return False
    service = content.get("service")
    if not isinstance(service, str):
        return True  # a log group, or a mistake that was told already
    raw = reader.file.get("services")
    declared = raw.get(service) if isinstance(raw, dict) else None
    if declared is None:
        hint = did_you_mean(service, services) or f"; add [services.{service[:80]}] with log_groups"
        reader.mistakes.add(
            reader.place, f"{path}.service", f"{checks.shown(service)} is no service of this file{hint}"
        )
    elif isinstance(declared, dict) and not declared.get("log_groups"):
        reader.mistakes.add(reader.place, f"{path}.service", f"[services.{service}] has no log_groups to watch")
    return True


def _read_variables(reader: _Reader) -> None:
    """The environment over the file."""
    for setting in SETTINGS:
        found = [(name, one) for name in setting.variables if (one := reader.environment.get(name))]
        if found:
            name, first = found[0]
            result = reader.checked(first.place, name, setting.check, first.text)
            if result is not None:
                reader.values[setting.section][setting.key] = result
    for secret in SECRETS:
        kept = read_secret(reader.environment, secret.variable, reader.cwd, reader.mistakes)
        result = reader.checked(kept.place, secret.variable, secret.check, kept.text) if kept else None
        if result is not None:
            reader.values[secret.section][secret.key] = result if secret.key == "access_key_id" else Secret(str(result))
    reader.values["http"] |= read_senders(reader.environment, reader.cwd, reader.mistakes)
    _check_together(reader)
    for name in reader.environment.names():
        if name.startswith("JINKIES_") and name not in OWN_VARIABLES and not name.startswith(_OTHERS):
            own = sorted(one for one in OWN_VARIABLES if one.startswith("JINKIES_"))
            found_at = reader.environment.get(name)
            hint = did_you_mean(name, own, cutoff=0.7) or f"; there are {', '.join(own)}"
            reader.mistakes.add(found_at.place if found_at else "environment", name, f"unknown variable{hint}")


def _check_together(reader: _Reader) -> None:
    """Half a pair of AWS keys would fail only at the first request, far from here."""
    pair = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    given = [reader.environment.get(name) or reader.environment.get(f"{name}_FILE") for name in pair]
    for index, (name, other) in enumerate((pair, pair[::-1])):
        here = given[index]
        if here is not None and given[1 - index] is None:
            reader.mistakes.add(here.place, name, f"{other} is not set; set both, or neither (profile, role)")


def _read_home(reader: _Reader) -> Path:
    found = reader.environment.get("JINKIES_HOME")
    if found is None:
        return xdg_folder(reader.environ, "XDG_STATE_HOME", ".local/state")
    home = resolve(found.text, reader.cwd)
    if home.exists() and not home.is_dir():
        reader.mistakes.add(found.place, "JINKIES_HOME", f"{home} is a file; a folder, made when it is missing")
    return home


def _check_certificate(reader: _Reader) -> None:
    """That of an emulator, from the folder where relative paths start; who trusts it reads more than its first line."""
    named = reader.values["sns"].get("certificate_file")
    if named is None:
        return
    key = "sns.certificate_file"
    path = reader.values["sns"]["certificate_file"] = resolve(str(named), reader.cwd)
    content = read_text(path, reader.place, key, reader.mistakes, limit_bytes=65_536)
    if content is not None and "-----BEGIN CERTIFICATE-----" not in content:
        reader.mistakes.add(
            reader.place, key, f"{path} is no certificate in PEM; -----BEGIN CERTIFICATE----- begins one"
        )


def _place(path: Path, cwd: Path) -> str:
    """The file as people would name it from here."""
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def _secret_variable(path: str) -> str | None:
    """The variable of a secret that somebody wrote into the file: ``discord.token``, ``GITHUB_TOKEN``."""
    by_key = {f"{secret.section}.{secret.key}": secret.variable for secret in SECRETS}
    by_key |= {"http.tokens": VARIABLE, "http.ingest_tokens": VARIABLE, "jinkies_ingest_tokens": VARIABLE}
    by_key |= {"http.webhook_token": "JINKIES_WEBHOOK_TOKEN", "webhook_token": "JINKIES_WEBHOOK_TOKEN"}
    name = path.replace(".", "_").upper()
    return by_key.get(path.lower()) or next((secret.variable for secret in SECRETS if secret.variable == name), None)
