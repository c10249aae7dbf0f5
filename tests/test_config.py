"""Where configuration comes from, and which of it wins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from jinkies.config import AwsConfig, Config, Secret, ServiceConfig, SnsConfig, WatchConfig, load_config
from jinkies.config_reader import OWN_VARIABLES
from jinkies.model import Level, Severity
from tests.configuring import load

ROOT = Path(__file__).parents[1]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END RSA PRIVATE KEY-----"
FULL = """\
environment = "staging"
log_level = "debug"
max_log_lines = 50
alert_retention_days = 0

[discord]
guild_id = "1"
alert_channel_id = "2"
log_channel_id = "3"
allowed_roles = ["4", "5"]
api_url = "http://127.0.0.1:9/api/v10/"

[github]
app_id = "6"
owner = "acme"
repository = "shop"
base_branch = "release/1.x"
api_url = "https://github.example.com/api/v3"

[aws]
region = "eu-central-1"
profile = "ops"
endpoint_url = "http://127.0.0.1:4566"
requests_per_second = 7

[http]
listen = "[::1]:0"
max_body_bytes = 2048
max_per_second = 2.5
max_waiting = 10

[services.api]
log_groups = ["/aws/lambda/api", "/ecs/api"]
repository = "acme/api"
environment = "production"
runbook = "https://wiki.example.com/api?x=1"

[[watches]]
service = "api"
pattern = "?ERROR ?FATAL"
level = "error"
severity = "critical"
lines_before = 0
lines_after = 50

[[watches]]
name = "edge"
log_group = "/edge"
"""


def test_nothing_configured_is_a_normal_state(tmp_path: Path) -> None:
    config = load(tmp_path, XDG_STATE_HOME="/var/state")
    assert config == Config(home=Path("/var/state/jinkies"))
    assert config.discord.missing() == "set DISCORD_BOT_TOKEN, DISCORD_GUILD_ID, DISCORD_ALERT_CHANNEL_ID"
    assert config.source is None


def test_every_key_of_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, FULL)
    assert config.source == tmp_path / "jinkies.toml"
    assert (config.environment, config.log_level, config.max_log_lines) == ("staging", "DEBUG", 50)
    assert config.alert_retention_days == 0
    assert config.discord.allowed_roles == ("4", "5")
    assert config.discord.api_url == "http://127.0.0.1:9/api/v10"
    assert (config.github.owner, config.github.repository, config.github.app_id) == ("acme", "shop", "6")
    assert config.aws == AwsConfig(
        region="eu-central-1", profile="ops", endpoint_url="http://127.0.0.1:4566", requests_per_second=7.0
    )
    assert (config.http.listen, config.http.max_body_bytes) == ("[::1]:0", 2048)
    assert (config.http.max_per_second, config.http.max_waiting) == (2.5, 10)
    assert config.services["api"] == ServiceConfig(
        name="api",
        log_groups=("/aws/lambda/api", "/ecs/api"),
        repository="acme/api",
        environment="production",
        runbook="https://wiki.example.com/api?x=1",
    )
    assert config.watches == (
        WatchConfig(
            name="api ?ERROR ?FATAL",
            service="api",
            pattern="?ERROR ?FATAL",
            level=Level.ERROR,
            severity=Severity.CRITICAL,
            lines_before=0,
            lines_after=50,
        ),
        WatchConfig(name="edge", log_group="/edge"),
    )


def test_every_variable(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        FULL,
        DISCORD_BOT_TOKEN="bot-token",
        DISCORD_GUILD_ID="11",
        DISCORD_ALERT_CHANNEL_ID="12",
        DISCORD_LOG_CHANNEL_ID="13",
        DISCORD_ALLOWED_ROLES="14, 15 16,17",
        GITHUB_TOKEN="gh-token",
        GITHUB_APP_ID="18",
        GITHUB_PRIVATE_KEY=PEM.replace("\n", "\\n"),
        GITHUB_REPO_OWNER="other",
        GITHUB_REPO_NAME="repo",
        DEFAULT_BASE_BRANCH="develop",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-2",
        AWS_PROFILE="dev",
        AWS_ACCESS_KEY_ID="id",
        AWS_SECRET_ACCESS_KEY="key",
        AWS_SESSION_TOKEN="session",
        AWS_ENDPOINT_URL="http://all",
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS="http://logs",
        ENVIRONMENT_NAME="live",
        LOG_LEVEL="warn",
        MAX_LOG_LINES="7",
        ALERT_RETENTION_DAYS="8",
        JINKIES_WEBHOOK_TOKEN="hook",
        JINKIES_HOME="data",
    )
    assert config.home == tmp_path / "data"
    assert config.discord.token == Secret("bot-token")
    assert config.discord.guild_id == "11"
    assert (config.discord.alert_channel_id, config.discord.log_channel_id) == ("12", "13")
    assert config.discord.allowed_roles == ("14", "15", "16", "17")
    assert config.github.token == Secret("gh-token")
    assert config.github.private_key == Secret(PEM + "\n")
    assert (config.github.app_id, config.github.owner, config.github.repository) == ("18", "other", "repo")
    assert config.github.base_branch == "develop"
    assert config.aws == AwsConfig(
        region="us-east-1",
        profile="dev",
        access_key_id="id",
        secret_access_key=Secret("key"),
        session_token=Secret("session"),
        endpoint_url="http://logs",
        requests_per_second=7.0,
    )
    assert (config.environment, config.log_level) == ("live", "WARNING")
    assert (config.max_log_lines, config.alert_retention_days) == (7, 8)
    assert config.http.token == Secret("hook")
    assert "bot-token" not in repr(config)


def test_the_second_names_of_aws_variables(tmp_path: Path) -> None:
    config = load(
        tmp_path, AWS_DEFAULT_REGION="us-east-2", AWS_ENDPOINT_URL="http://a", AWS_ENDPOINT_URL_LOGS="http://b"
    )
    assert (config.aws.region, config.aws.endpoint_url) == ("us-east-2", "http://b")
    assert load(tmp_path, AWS_ENDPOINT_URL="http://a").aws.endpoint_url == "http://a"


def test_the_real_environment_wins_over_dotenv_which_wins_over_the_file(tmp_path: Path) -> None:
    toml, dotenv = (
        'environment = "file"\nlog_level = "error"\nmax_log_lines = 3',
        "ENVIRONMENT_NAME=dotenv\nLOG_LEVEL=info\n",
    )
    config = load(tmp_path, toml, dotenv, ENVIRONMENT_NAME="real")
    assert (config.environment, config.log_level, config.max_log_lines) == ("real", "INFO", 3)


def test_what_is_empty_is_unset(tmp_path: Path) -> None:
    config = load(
        tmp_path, 'environment = "file"', "LOG_LEVEL=\nMAX_LOG_LINES=5", ENVIRONMENT_NAME=" ", MAX_LOG_LINES=""
    )
    assert (config.environment, config.log_level, config.max_log_lines) == ("file", "INFO", 5)


def test_dotenv_quotes_exports_comments_and_references(tmp_path: Path) -> None:
    dotenv = "# comment\nexport ENVIRONMENT_NAME='live' # why\n"
    dotenv += 'GITHUB_REPO_OWNER="${ORG}"\nGITHUB_REPO_NAME=${ENVIRONMENT_NAME}-x\n'
    config = load(tmp_path, dotenv=dotenv, ORG="acme")
    assert (config.environment, config.github.owner, config.github.repository) == ("live", "acme", "live-x")


def test_which_file_is_read(tmp_path: Path) -> None:
    named, xdg = tmp_path / "named.toml", tmp_path / "xdg" / "jinkies" / "jinkies.toml"
    xdg.parent.mkdir(parents=True)
    xdg.write_text('environment = "xdg"')
    assert load(tmp_path).source == xdg
    assert load(tmp_path, 'environment = "here"').environment == "here"
    named.write_text('environment = "named"')
    assert load(tmp_path, JINKIES_CONFIG="named.toml").environment == "named"
    assert load(tmp_path, dotenv=f"JINKIES_CONFIG={named}").source == named


def test_the_folders_below_the_home_folder_are_the_default(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the folders of another platform are platformdirs' business")
    file = tmp_path / "user" / ".config" / "jinkies" / "jinkies.toml"
    file.parent.mkdir(parents=True)
    file.write_text('environment = "home"')
    config = load_config({"HOME": str(tmp_path / "user"), "XDG_CONFIG_HOME": "not/absolute"}, cwd=tmp_path)
    assert config.environment == "home"
    assert config.home == tmp_path / "user" / ".local" / "state" / "jinkies"


def test_secrets_from_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "key.pem").write_text(PEM + "\n")
    config = load(tmp_path, GITHUB_TOKEN_FILE="token", GITHUB_PRIVATE_KEY_FILE=str(tmp_path / "key.pem"))
    assert config.github.token == Secret("from-file")
    assert config.github.private_key == Secret(PEM + "\n")
    over_dotenv = load(tmp_path, dotenv="GITHUB_TOKEN_FILE=token", GITHUB_TOKEN="real")
    assert over_dotenv.github.token == Secret("real")
    file_over_dotenv = load(tmp_path, dotenv="GITHUB_TOKEN=weaker", GITHUB_TOKEN_FILE="token")
    assert file_over_dotenv.github.token == Secret("from-file")


@pytest.mark.parametrize("written", [PEM.replace("\n", "\\n") + "\\n", PEM.replace("\n", "\r\n") + "\r\n"])
def test_a_private_key_on_one_line_may_end_in_a_line_end(tmp_path: Path, written: str) -> None:
    assert load(tmp_path, GITHUB_PRIVATE_KEY=written).github.private_key == Secret(PEM + "\n")
    assert load(tmp_path, dotenv=f"GITHUB_PRIVATE_KEY='{written}'").github.private_key == Secret(PEM + "\n")


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    config = load(tmp_path, JINKIES_DISCORD_SPEC="x", JINKIES_TEST_ANYTHING="y", DISCORD_SOMETHING="z")
    assert config.source is None


class _Recorded(Mapping[str, str]):
    """An empty environment that remembers which names were asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _documented() -> list[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return [line.partition("=")[0] for line in lines if line and not line.startswith("#")]


def test_the_example_documents_every_variable_that_is_read_and_no_other(tmp_path: Path) -> None:
    environ = _Recorded()
    load_config(environ, cwd=tmp_path)
    read = environ.asked - {"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"}
    assert sorted(_documented()) == sorted(read)
    assert read == OWN_VARIABLES


def test_each_variable_of_the_example_has_its_line_of_comment() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if line and not line.startswith("#"):
            assert before.startswith("# "), line


def test_the_example_as_it_stands_changes_nothing(tmp_path: Path) -> None:
    plain = load(tmp_path)
    assert msgspec.structs.asdict(load(tmp_path, dotenv=(ROOT / ".env.example").read_text())) == msgspec.structs.asdict(
        plain
    )


def test_reading_a_plain_configuration_imports_little(tmp_path: Path) -> None:
    """The console reads it before its first paint."""
    (tmp_path / "jinkies.toml").write_text(FULL)
    (tmp_path / ".env").write_text("LOG_LEVEL=info\n")
    code = (
        "import sys; from jinkies.config import load_config; load_config();"
        "print([m for m in ('pydantic', 'asyncio', 'platformdirs', 'jinkies.redact', 'httpx') if m in sys.modules])"
    )
    environ = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    expected = "[]" if sys.platform == "linux" else "['platformdirs']"
    assert done.stdout.strip() == expected


def test_tokens_of_senders(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("cron:0123456789abcdef\n")
    variables = {"JINKIES_INGEST_TOKENS": "shop:0123456789abcdeg, shop:0123456789abcdeh", "LOG_LEVEL": "INFO"}
    http = load(tmp_path, JINKIES_INGEST_TOKENS_FILE="tokens", **variables).http
    assert [(one.name, one.token.reveal()[-1]) for one in http.tokens] == [("shop", "g"), ("shop", "h")]
    assert http.tokens_file == tmp_path / "tokens", "read by who uses them: they change"
    assert "0123456789" not in repr(http)


def test_topics_of_sns(tmp_path: Path) -> None:
    (tmp_path / "emulator.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    toml = """
        [sns]
        topics = ["arn:aws:sns:eu-central-1:123456789012:alarms"]
        endpoint_url = "http://127.0.0.1:4566/"
        certificate_file = "emulator.pem"
        services = { "checkout-*" = "checkout" }
        severities = { "*-page" = "critical" }
    """
    sns = load(tmp_path, toml).sns
    assert sns.topics == ("arn:aws:sns:eu-central-1:123456789012:alarms",)
    assert (sns.endpoint_url, sns.certificate_file) == ("http://127.0.0.1:4566", tmp_path / "emulator.pem")
    assert (sns.services, sns.severities) == ({"checkout-*": "checkout"}, {"*-page": Severity.CRITICAL})
    assert sns.missing() is None
    assert "set topics in [sns]" in (SnsConfig().missing() or "")
