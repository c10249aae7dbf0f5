"""Every mistake in the configuration, and the line that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.configuring import mistakes

FILE_MISTAKES = [
    (
        "sns.topics = 'arn:aws:sns:eu-central-1:123456789012:alarms'",
        (
            "jinkies.toml: sns.topics: expected a list of ARNs, such as"
            ' ["arn:aws:sns:eu-central-1:123456789012:alarms"], got a text'
        ),
    ),
    (
        "sns.topics = ['arn:aws:sns:*:123456789012:alarms']",
        (
            "jinkies.toml: sns.topics: 'arn:aws:sns:*:123456789012:alarms' is not the ARN of a topic;"
            ' such as "arn:aws:sns:eu-central-1:123456789012:alarms"'
        ),
    ),
    ("sns.topic = []", "jinkies.toml: sns.topic: unknown key; did you mean sns.topics?"),
    ("[sns.services]\n'a-*' = 5", "jinkies.toml: sns.services: 'a-*': expected a text in quotes, got a number: 5"),
    (
        "[sns.severities]\n'a-*' = 'loud'",
        "jinkies.toml: sns.severities: 'a-*': 'loud' is none of info, warning, error, critical",
    ),
    (
        "sns.services = 'api'",
        'jinkies.toml: sns.services: expected a table, such as { "checkout-*" = "…" }, got a text',
    ),
    *(
        (
            f"sns.endpoint_url = '{address}'",
            (
                f"jinkies.toml: sns.endpoint_url: '{address}' is not an emulator on this machine;"
                ' such as "http://127.0.0.1:4566"'
            ),
        )
        for address in (
            "http://10.0.0.1:4566",
            "https://sns.eu-central-1.amazonaws.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1:4566/sns",
        )
    ),
    (
        "discord.permissions = 5",
        "jinkies.toml: discord.permissions: expected [[discord.permissions]], at most 200 of them",
    ),
    (
        "discord.permissions = [5]",
        "jinkies.toml: discord.permissions[0]: expected a table, [[discord.permissions]], got a number",
    ),
    (
        "[[discord.permissions]]\nroles = ['1']\nallow = ['view']\nservice = ['api']",
        "jinkies.toml: discord.permissions[0].service: unknown key; did you mean discord.permissions[0].services?",
    ),
    (
        "[[discord.permissions]]\nallow = ['view']",
        'jinkies.toml: discord.permissions[0].roles: is missing: a rule has roles (or "everyone") and what they may',
    ),
    (
        "[[discord.permissions]]\nroles = ['everyone']",
        'jinkies.toml: discord.permissions[0].allow: is missing: a rule has roles (or "everyone") and what they may',
    ),
    (
        "[[discord.permissions]]\nroles = ['everyone']\nallow = ['view', 'ack']",
        "jinkies.toml: discord.permissions[0].allow: 'ack' is none of view, tail, acknowledge, silence, create",
    ),
    (
        "[[discord.permissions]]\nroles = ['everyone']\nallow = []",
        (
            'jinkies.toml: discord.permissions[0].allow: expected a list, such as ["view", "acknowledge"];'
            " there are view, tail, acknowledge, silence, create"
        ),
    ),
    (
        "[[discord.permissions]]\nroles = ['on-call']\nallow = ['view']",
        (
            "jinkies.toml: discord.permissions[0].roles: 'on-call' is not a Discord id;"
            " digits only (Developer Mode, then Copy ID)"
        ),
    ),
    (
        "[[discord.permissions]]\nroles = []\nallow = ['view']",
        (
            "jinkies.toml: discord.permissions[0].roles: expected a list of role ids, such as"
            ' ["123456789012345678"], or ["everyone"]'
        ),
    ),
    (
        "[[discord.permissions]]\nroles = 'everyone'\nallow = ['view']\nchannels = []",
        (
            "jinkies.toml: discord.permissions[0].channels: expected a list of channel ids, such as"
            ' ["123456789012345678"]; every one: leave it out'
        ),
    ),
    (
        "[[discord.permissions]]\nroles = 'everyone'\nallow = ['view']\nservices = 'api'",
        (
            "jinkies.toml: discord.permissions[0].services: expected a list of 1 to 200 services,"
            ' such as ["api", "web-*"]'
        ),
    ),
    ("discord.permission = []", "jinkies.toml: discord.permission: unknown key; did you mean discord.permissions?"),
    ("http.listn = 'x'", "jinkies.toml: http.listn: unknown key; did you mean http.listen?"),
    ("listen = 'x'", "jinkies.toml: listen: unknown key; did you mean http.listen?"),
    ("[htpp]\nlisten = 'x'", "jinkies.toml: htpp: unknown key; did you mean http?"),
    ("zzz = 1", "jinkies.toml: zzz: unknown key"),
    ("home = '/x'", "jinkies.toml: home: not read from this file; set JINKIES_HOME"),
    ("http = 5", "jinkies.toml: http: expected a table, [http], got a number"),
    ("environment = 5", "jinkies.toml: environment: expected a text in quotes, got a number: 5"),
    ("environment = ''", "jinkies.toml: environment: is empty; leave the key out instead"),
    (
        'environment = "a\\u0007"',
        "jinkies.toml: environment: 'a\\x07' holds characters that can't be printed; one line of text",
    ),
    (
        "log_level = 'loud'",
        "jinkies.toml: log_level: 'loud' is no log level; one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    ),
    ("max_log_lines = 0", "jinkies.toml: max_log_lines: 0 is out of bounds; 1 to 10000"),
    ("max_log_lines = true", "jinkies.toml: max_log_lines: True is not a whole number; 1 to 10000"),
    ("max_log_lines = 1.5", "jinkies.toml: max_log_lines: 1.5 is not a whole number; 1 to 10000"),
    ("alert_retention_days = -1", "jinkies.toml: alert_retention_days: -1 is out of bounds; 0 to 36500"),
    ("discord.guild_id = 12", 'jinkies.toml: discord.guild_id: write the id as text: "12"'),
    (
        "discord.guild_id = 'ops'",
        "jinkies.toml: discord.guild_id: 'ops' is not a Discord id; digits only (Developer Mode, then Copy ID)",
    ),
    (
        "discord.allowed_roles = {}",
        'jinkies.toml: discord.allowed_roles: expected a list of ids, such as ["123456789012345678"], got a table',
    ),
    (
        "discord.api_url = 'ftp://x'",
        "jinkies.toml: discord.api_url: 'ftp://x' is not an address; http://… or https://…",
    ),
    (
        "github.api_url = 'http://h:99999'",
        "jinkies.toml: github.api_url: 'http://h:99999' is not an address; http://… or https://…",
    ),
    (
        "aws.endpoint_url = 'http://u:hunter2@h'",
        (
            "jinkies.toml: aws.endpoint_url: an address with a user or password in it;"
            " secrets go into variables of their own"
        ),
    ),
    (
        "aws.region = 'Frankfurt'",
        "jinkies.toml: aws.region: 'Frankfurt' is not an AWS region; such as \"eu-central-1\"",
    ),
    ("github.app_id = 'x'", "jinkies.toml: github.app_id: 'x' is not the id of a GitHub app; digits only"),
    (
        "github.repository = 'a/b'",
        "jinkies.toml: github.repository: 'a/b' names an owner too; only what follows the slash",
    ),
    (
        "github.owner = 'a b'",
        "jinkies.toml: github.owner: 'a b' is not a GitHub owner; letters, digits and hyphens, at most 39",
    ),
    ("github.base_branch = 'a..b'", "jinkies.toml: github.base_branch: 'a..b' is not a branch; such as \"main\""),
    (
        "http.listen = '8080'",
        'jinkies.toml: http.listen: \'8080\' is not host:port; such as "127.0.0.1:8080" or "[::1]:8080"',
    ),
    (
        "http.listen = 'h:65536'",
        'jinkies.toml: http.listen: \'h:65536\' is not host:port; such as "127.0.0.1:8080" or "[::1]:8080"',
    ),
    ("http.max_per_second = inf", "jinkies.toml: http.max_per_second: inf is out of bounds; 0 (no bound) to 1000000"),
    ("http.max_per_second = 'x'", "jinkies.toml: http.max_per_second: 'x' is not a number; 0 (no bound) to 1000000"),
    ("aws.requests_per_second = 0", "jinkies.toml: aws.requests_per_second: 0 is out of bounds; above 0, up to 1000"),
    (
        "aws.requests_per_second = 1001",
        "jinkies.toml: aws.requests_per_second: 1001 is out of bounds; above 0, up to 1000",
    ),
    (
        "aws.requests_per_second = nan",
        "jinkies.toml: aws.requests_per_second: nan is out of bounds; above 0, up to 1000",
    ),
    (
        "aws.requests_per_second = true",
        "jinkies.toml: aws.requests_per_second: True is not a number; above 0, up to 1000",
    ),
    ("http.max_waiting = 0", "jinkies.toml: http.max_waiting: 0 is out of bounds; 1 to 100000"),
    (
        "http.max_unpacked_bytes = 0",
        "jinkies.toml: http.max_unpacked_bytes: 0 is out of bounds; 1024 to 67108864",
    ),
    (
        "services.api.sentry_project = 'a/b'",
        (
            "jinkies.toml: services.api.sentry_project: 'a/b' is not the project of a DSN;"
            " letters, digits, '.', '_' and '-'"
        ),
    ),
    (
        "services.api.sentry_project = 1",
        'jinkies.toml: services.api.sentry_project: write the project as text: "1"',
    ),
    (
        "services.api.sentry_project = '1'\nservices.web.sentry_project = '1'",
        "jinkies.toml: services.web.sentry_project: '1' is that of [services.api]",
    ),
    ("http.max_body_bytes = 1", "jinkies.toml: http.max_body_bytes: 1 is out of bounds; 1024 to 16777216"),
    ("services = 1", "jinkies.toml: services: expected a table, [services], got a number"),
    ("services.api = 1", "jinkies.toml: services.api: expected a table, [services.api], got a number"),
    (
        "services.api.log_group = 'x'",
        "jinkies.toml: services.api.log_group: unknown key; did you mean services.api.log_groups?",
    ),
    (
        "services.api.log_groups = 'x'",
        'jinkies.toml: services.api.log_groups: expected a list of log groups, such as ["/aws/lambda/api"], got a text',
    ),
    (
        "services.api.log_groups = ['a b']",
        "jinkies.toml: services.api.log_groups: 'a b' is not a log group; such as \"/aws/lambda/api\"",
    ),
    (
        "services.api.repository = 'api'",
        "jinkies.toml: services.api.repository: 'api' is not a repository; \"owner/name\"",
    ),
    (
        "services.api.runbook = 'wiki'",
        "jinkies.toml: services.api.runbook: 'wiki' is not an address; http://… or https://…",
    ),
    ("watches = 1", "jinkies.toml: watches: expected [[watches]], got a number"),
    ("watches = [1]", "jinkies.toml: watches[0]: expected a table, [[watches]], got a number"),
    (
        "[[watches]]\nlevel = 'error'",
        'jinkies.toml: watches[0]: set exactly one of service and log_group, such as service = "api"',
    ),
    (
        "[services.api]\nlog_groups = ['x']\n[[watches]]\nservice = 'api'\nlog_group = 'x'",
        'jinkies.toml: watches[0]: set exactly one of service and log_group, such as service = "api"',
    ),
    (
        "[services.api]\nlog_groups = ['x']\n[[watches]]\nservice = 'apo'",
        "jinkies.toml: watches[0].service: 'apo' is no service of this file; did you mean api?",
    ),
    (
        "[[watches]]\nservice = 'api'",
        "jinkies.toml: watches[0].service: 'api' is no service of this file; add [services.api] with log_groups",
    ),
    (
        "[services.api]\n[[watches]]\nservice = 'api'",
        "jinkies.toml: watches[0].service: [services.api] has no log_groups to watch",
    ),
    (
        "[[watches]]\nlog_group = 'x'\n[[watches]]\nlog_group = 'x'\nlevel = 'error'",
        "jinkies.toml: watches[1].name: 'x' is taken by watches[0]; give it another",
    ),
    (
        "[[watches]]\nlog_group = 'x'\nlevel = 'loud'",
        "jinkies.toml: watches[0].level: 'loud' is none of none, debug, info, warning, error, critical",
    ),
    (
        "[[watches]]\nlog_group = 'x'\nseverity = 5",
        "jinkies.toml: watches[0].severity: expected a text in quotes, got a number: 5",
    ),
    (
        "[[watches]]\nlog_group = 'x'\nlines_after = 51",
        "jinkies.toml: watches[0].lines_after: 51 is out of bounds; 0 to 50",
    ),
    (
        "[[watches]]\nlog_group = 'x'\npatern = ''",
        "jinkies.toml: watches[0].patern: unknown key; did you mean watches[0].pattern?",
    ),
]


@pytest.mark.parametrize(("toml", "expected"), FILE_MISTAKES)
def test_a_mistake_in_the_file_names_it_the_key_and_what_would_be_right(
    tmp_path: Path, toml: str, expected: str
) -> None:
    assert mistakes(tmp_path, toml) == (expected,)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MAX_LOG_LINES": "many"}, "environment: MAX_LOG_LINES: 'many' is not a whole number; 1 to 10000"),
        ({"ALERT_RETENTION_DAYS": "-1"}, "environment: ALERT_RETENTION_DAYS: -1 is out of bounds; 0 to 36500"),
        (
            {"LOG_LEVEL": "loud"},
            "environment: LOG_LEVEL: 'loud' is no log level; one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
        (
            {"DISCORD_ALLOWED_ROLES": "1, ops"},
            "environment: DISCORD_ALLOWED_ROLES: 'ops' is not a Discord id; digits only (Developer Mode, then Copy ID)",
        ),
        (
            {"AWS_ENDPOINT_URL": "localhost"},
            "environment: AWS_ENDPOINT_URL: 'localhost' is not an address; http://… or https://…",
        ),
        ({"JINKIES_HOMME": "/x"}, "environment: JINKIES_HOMME: unknown variable; did you mean JINKIES_HOME?"),
        (
            {"JINKIES_ZZZ": ""},
            (
                "environment: JINKIES_ZZZ: unknown variable; there are JINKIES_CONFIG, JINKIES_HOME,"
                " JINKIES_INGEST_TOKENS, JINKIES_INGEST_TOKENS_FILE, JINKIES_WEBHOOK_TOKEN, JINKIES_WEBHOOK_TOKEN_FILE"
            ),
        ),
        (
            {"GITHUB_TOKEN": "two words"},
            (
                "environment: GITHUB_TOKEN: holds blanks, line breaks or characters that can't stand in a header"
                " (value not shown)"
            ),
        ),
        (
            {"GITHUB_PRIVATE_KEY": "/etc/key.pem"},
            (
                "environment: GITHUB_PRIVATE_KEY: is not a private key in PEM, from -----BEGIN … PRIVATE KEY-----"
                " to its END line (value not shown); to name a file set GITHUB_PRIVATE_KEY_FILE"
            ),
        ),
        (
            {"AWS_ACCESS_KEY_ID": "id"},
            "environment: AWS_ACCESS_KEY_ID: AWS_SECRET_ACCESS_KEY is not set; set both, or neither (profile, role)",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": "id"},
            "environment: AWS_SECRET_ACCESS_KEY: AWS_ACCESS_KEY_ID is not set; set both, or neither (profile, role)",
        ),
        (
            {"GITHUB_TOKEN": "a", "GITHUB_TOKEN_FILE": "b"},
            "environment: GITHUB_TOKEN_FILE: GITHUB_TOKEN is set too; set one of the two",
        ),
    ],
)
def test_a_mistake_in_the_environment(tmp_path: Path, variables: Mapping[str, str], expected: str) -> None:
    assert mistakes(tmp_path, **variables) == (expected,)


@pytest.mark.parametrize(
    ("dotenv", "expected"),
    [
        ("# a\n\nMAX_LOG_LINES=many\n", ".env line 3: MAX_LOG_LINES: 'many' is not a whole number; 1 to 10000"),
        ("\n'oops\n", ".env line 2: can't be read; NAME=value"),
        ("JINKIES_HOMME=/x", ".env line 1: JINKIES_HOMME: unknown variable; did you mean JINKIES_HOME?"),
    ],
)
def test_a_mistake_in_dotenv_names_the_line(tmp_path: Path, dotenv: str, expected: str) -> None:
    assert mistakes(tmp_path, dotenv=dotenv) == (expected,)


@pytest.mark.parametrize(
    ("toml", "variable"),
    [
        ("discord.token = 'hunter2'", "DISCORD_BOT_TOKEN"),
        ("discord.bot_token = 'hunter2'", "DISCORD_BOT_TOKEN"),
        ("github.token = 'hunter2'", "GITHUB_TOKEN"),
        ("GITHUB_TOKEN = 'hunter2'", "GITHUB_TOKEN"),
        ("github.private_key = 'hunter2'", "GITHUB_PRIVATE_KEY"),
        ("aws.access_key_id = 'hunter2'", "AWS_ACCESS_KEY_ID"),
        ("aws.secret_access_key = 'hunter2'", "AWS_SECRET_ACCESS_KEY"),
        ("aws.session_token = 'hunter2'", "AWS_SESSION_TOKEN"),
        ("http.token = 'hunter2'", "JINKIES_WEBHOOK_TOKEN"),
        ("http.webhook_token = 'hunter2'", "JINKIES_WEBHOOK_TOKEN"),
        ("http.tokens = 'hunter2'", "JINKIES_INGEST_TOKENS"),
    ],
)
def test_a_secret_in_the_file_is_a_mistake_that_does_not_repeat_it(tmp_path: Path, toml: str, variable: str) -> None:
    (mistake,) = mistakes(tmp_path, toml)
    key = toml.partition(" ")[0]
    assert mistake == (
        f"jinkies.toml: {key}: a secret does not belong into this file;"
        f" set {variable}, or {variable}_FILE to a file that holds it"
    )


def test_a_secret_in_the_wrong_variable_is_not_shown(tmp_path: Path) -> None:
    secret = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
    (mistake,) = mistakes(tmp_path, DISCORD_GUILD_ID=secret)
    assert secret not in mistake
    assert mistake.startswith("environment: DISCORD_GUILD_ID: '[redacted]' is not a Discord id")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"environment = '\xe9'")
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "huge").write_bytes(b"#" * 1_048_577)
    gone = tmp_path / "gone"
    at = str(tmp_path)
    assert mistakes(tmp_path, JINKIES_CONFIG="gone") == (
        f"environment: JINKIES_CONFIG: {gone} is missing; the path of a TOML file, or unset",
    )
    assert mistakes(tmp_path, JINKIES_CONFIG="folder") == (
        f"environment: JINKIES_CONFIG: {at}/folder is a folder; the path of a TOML file, or unset",
    )
    assert mistakes(tmp_path, JINKIES_CONFIG="latin") == (
        f"latin: {at}/latin is not UTF-8 text (byte 15); save it as UTF-8",
    )
    assert mistakes(tmp_path, JINKIES_CONFIG="huge") == (f"huge: {at}/huge is larger than 1048576 bytes",)
    assert mistakes(tmp_path, GITHUB_TOKEN_FILE="gone") == (
        f"environment: GITHUB_TOKEN_FILE: can't read {gone}: No such file or directory",
    )
    assert mistakes(tmp_path, GITHUB_TOKEN_FILE="folder") == (
        f"environment: GITHUB_TOKEN_FILE: can't read {at}/folder: Is a directory",
    )
    assert mistakes(tmp_path, GITHUB_TOKEN_FILE="empty") == (
        f"environment: GITHUB_TOKEN_FILE: {at}/empty is empty; it holds the secret and nothing else",
    )
    assert mistakes(tmp_path, JINKIES_HOME="empty") == (
        f"environment: JINKIES_HOME: {at}/empty is a file; a folder, made when it is missing",
    )


def test_a_folder_where_the_file_is_looked_for_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "jinkies.toml").mkdir()
    assert mistakes(tmp_path) == (f"jinkies.toml: can't read {tmp_path}/jinkies.toml: Is a directory",)


def test_a_dotenv_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff")
    assert mistakes(tmp_path) == (f".env: {tmp_path}/.env is not UTF-8 text (byte 2); save it as UTF-8",)


@pytest.mark.parametrize(
    ("toml", "start"),
    [
        ("environment = \n", "jinkies.toml: line 1, column 15: Invalid value"),
        ("a = 1\n[http\n", "jinkies.toml: line 2, column 6: Expected ']'"),
        ("a = 1\na = 2\n", "jinkies.toml: line 2, column 6: Cannot overwrite a value"),
        ('a = "', "jinkies.toml: at its end: "),
    ],
)
def test_a_syntax_error_names_line_and_column(tmp_path: Path, toml: str, start: str) -> None:
    (mistake,) = mistakes(tmp_path, toml)
    assert mistake.startswith(start)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "zzz = 1\nhttp.listen = 5", "LOG_LEVEL=loud", MAX_LOG_LINES="0", JINKIES_HOMME="x")
    assert [mistake.split(": ")[1] for mistake in found] == [
        "zzz",
        "http.listen",
        "LOG_LEVEL",
        "MAX_LOG_LINES",
        "JINKIES_HOMME",
    ]


def test_a_wrong_value_of_the_file_is_told_though_the_environment_overrides_it(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "max_log_lines = 0", MAX_LOG_LINES="5")) == 1


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("hunter2hunter2hunter2", "entry 1: is not name:token (not shown: it may be a token)"),
        ("Shop:hunter2hunter2hunter2", "entry 1: 'Shop' is no sender's name; 1 to 40 of a-z, 0-9, '.', '_' and '-'"),
        ("shop:hunter2", "entry 1: the token of shop has 7 characters; at least 16 (value not shown)"),
        (
            "a:0123456789abcdef, shop:hunter2 hunter2@hunter2",
            "entry 2: the token of shop holds other characters than letters, digits and ._~+/- (value not shown)",
        ),
        (
            "a:hunter2hunter2hunter2,b:hunter2hunter2hunter2",
            "entry 2: b has the token of a; each sender needs one of its own",
        ),
        ("webhook:hunter2hunter2hunter2", "entry 1: webhook is the sender of JINKIES_WEBHOOK_TOKEN; another name"),
        (",".join(f"s{n}:{n:016}" for n in range(201)), "201 tokens: at most 200"),
    ],
)
def test_a_mistake_in_the_tokens_of_senders_shows_none(tmp_path: Path, entries: str, problem: str) -> None:
    (mistake,) = mistakes(tmp_path, JINKIES_INGEST_TOKENS=entries)
    assert mistake == f"environment: JINKIES_INGEST_TOKENS: {problem}"
    assert "hunter2" not in mistake


def test_a_mistake_in_the_file_of_tokens_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# who\nshop:hunter2\n")
    (mistake,) = mistakes(tmp_path, JINKIES_INGEST_TOKENS_FILE="tokens")
    assert mistake == (
        f"{tmp_path / 'tokens'} line 2: the token of shop has 7 characters; at least 16 (value not shown)"
    )
    (mistake,) = mistakes(tmp_path, JINKIES_INGEST_TOKENS_FILE="nowhere")
    assert mistake.startswith("environment: JINKIES_INGEST_TOKENS_FILE: can't read ")


def test_a_certificate_of_an_emulator_that_is_none(tmp_path: Path) -> None:
    toml = 'sns.certificate_file = "x.pem"'
    path = tmp_path / "x.pem"
    assert mistakes(tmp_path, toml) == (
        f"jinkies.toml: sns.certificate_file: can't read {path}: No such file or directory",
    )
    path.write_text("a key")
    assert mistakes(tmp_path, toml) == (
        f"jinkies.toml: sns.certificate_file: {path} is no certificate in PEM; -----BEGIN CERTIFICATE----- begins one",
    )
