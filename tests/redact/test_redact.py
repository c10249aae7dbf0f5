"""Secrets go, their names stay, and everything else is left as it was."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.commands import ReportOccurrence
from jinkies.frames import Frame
from jinkies.model import LogLine
from jinkies.redact import MARK, is_secret_key, redact, redact_each, redact_occurrence

AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
GITHUB = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
DISCORD = "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".GabcdE." + "abcdefghijklmnopqrstuvwxyz1234567890"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
WEBHOOK_TOKEN = "abcDEFghiJKLmnoPQRstuVWX-12_34"
KEY_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3S\nAbc="
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----"

SHAPES = [AWS_ID, "ASIA" + AWS_ID[4:], AWS_SECRET, GITHUB, DISCORD, JWT]
SHAPES += [kind + GITHUB[3:] for kind in ("gho", "ghs", "ghr", "ghu")]
SHAPES += ["github_pat_11ABCDEFG0" + "abcdefghijkl_mnop", "xoxb-" + "1234567890-abcdefghij", "xapp-1-A1-" + "2-abcdef"]


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("around", ["{}", "got {} there", "x={},y", '"{}"', "({})", "https://h/p?q={}&r=1"])
def test_known_shapes_go_wherever_they_stand(secret: str, around: str) -> None:
    assert redact(around.format(secret)) == around.format(MARK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2 next", "password=[redacted] next"),
        ("Password: hunter2", "Password: [redacted]"),
        ('{"password": "hun\\"ter2", "user": "bob"}', '{"password": "[redacted]", "user": "bob"}'),
        (r"{\"passwd\":\"hunter2\",\"user\":\"bob\"}", r"{\"passwd\":\"[redacted]\",\"user\":\"bob\"}"),
        ("{'api_key': 'abc', 'x': b'1'}", "{'api_key': '[redacted]', 'x': b'1'}"),
        (f"AWS_SECRET_ACCESS_KEY={AWS_SECRET}", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("PGPASSWORD=foo psql", "PGPASSWORD=[redacted] psql"),
        ("MYSQL_PWD=foo", "MYSQL_PWD=[redacted]"),
        ("clientSecret: abc123", "clientSecret: [redacted]"),
        ("x-api-key: k1", "x-api-key: [redacted]"),
        ("tokenizer_api_key=k1", "tokenizer_api_key=[redacted]"),
        ("?token=abc&page=2", "?token=[redacted]&page=2"),
        ("token=abc,host=db", "token=[redacted],host=db"),
        ("(token=abc)", "(token=[redacted])"),
        ("Server=x;Password=a,b;User Id=sa", "Server=x;Password=[redacted];User Id=sa"),
        ("user[password]=x9", "user[password]=[redacted]"),
        ('"password"=>"x9"', '"password"=>"[redacted]"'),
        ('[["Authorization", "Bearer abc"], ["Host", "x"]]', '[["Authorization", "Bearer [redacted]"], ["Host", "x"]]'),
        ("mysql --password hunter2 --host x", "mysql --password [redacted] --host x"),
        ('"tokens": ["a", "b"], "n": 1', '"tokens": [redacted], "n": 1'),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [redacted]"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=y", "Authorization: [redacted]"),
        ("sent Bearer abc123def456 upstream", "sent Bearer [redacted] upstream"),
        ("Cookie: a=b; sessionid=xyz\nHost: h", "Cookie: [redacted]\nHost: h"),
        ("session_id=8f3a", "session_id=[redacted]"),
        ("postgres://u:p@ss@db:5432/x?ssl=1", "postgres://u:[redacted]@db:5432/x?ssl=1"),
        ("redis://:pw@host/0", "redis://:[redacted]@host/0"),
        (
            f"POST https://discord.com/api/webhooks/123456789012345678/{WEBHOOK_TOKEN}",
            "POST https://discord.com/api/webhooks/123456789012345678/[redacted]",
        ),
        (
            "https://hooks.slack.com/services/T00000000/" + "B00000000/XXXXXXXXXXXX",
            "https://hooks.slack.com/services/[redacted]",
        ),
        ('password="cut off here', 'password="[redacted]'),
        ("DB_PASS=hunter2 SMTP-Pass: hunter2", "DB_PASS=[redacted] SMTP-Pass: [redacted]"),
        ("auth: { user: 'bob', pass: 'hunter2' }", "auth: { user: 'bob', pass: '[redacted]' }"),
        ("dbPass=hunter2", "dbPass=[redacted]"),
        ("/login?next=%2Fcb%3Ftoken%3Dhunter2", "/login?next=%2Fcb%3Ftoken%3D[redacted]"),
    ],
)
def test_values_under_a_secrets_name_go_and_the_name_stays(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "token bucket is full",
        "password reset requested for bob",
        "Failed to refresh token: connection refused",
        "session: closed",
        "InvalidToken: Signature has expired",
        "com.acme.InvalidTokenException: Token expired",
        "SyntaxError: Unexpected token: } in JSON",
        "KeyError: 'order_id'",
        "basic authentication required, then bearer authentication",
        "secretsmanager: AccessDenied",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:db",
        "PWD=/app",
        "password=None token: null",
        "max_tokens=4096 token_count=5 passwordless=true tokenizer=bert secretary: Bob",
        "550e8400-e29b-41d4-a716-446655440000",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "http://localhost:8080/users/@me",
        (
            "Traceback (most recent call last):\n"
            '  File "/app/session.py", line 118, in token\n'
            "    token = get_token(request)\n"
            '  File "/app/login.py", line 3, in login\n'
            "    password = settings.DB_PASSWORD\n"
            "    def login(user: str, password: str) -> None:\n"
            "ValueError: no"
        ),
        "\tat com.acme.TokenService.check(TokenService.java:12)",
        "    at check (/app/tokens.js:10:5)",
        "Session::create failed",
        "    token = tokens[0]",
        '    secret = os.environ["SECRET"]',
        "    session_id=request.session.id",
        "    password = user.pass_phrase_hash",
        "    private Token token = new Token();",
        "    const token = req.headers['authorization'];",
        "    session: AsyncSession = Depends(get_session),",
        "    token: Annotated[str, Depends(scheme)],",
        "12 tests: pass=11 fail=1, bypass=on compass: north",
    ],
)
def test_innocent_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"before\n{PEM}\nafter", f"before\n{MARK}\nafter"),
        (PEM.replace("\n", "\\n"), MARK),
        (PEM.replace("\n", "\\n").removesuffix("-----END RSA PRIVATE KEY-----"), f"{MARK}\\n"),
        (PEM[: PEM.index("MzEf") + 8] + "\nthen it failed", f"{MARK}\nthen it failed"),
        (PEM[PEM.index("MzEf") :], MARK),
        ("the key is " + PEM[PEM.index("MzEf") :].replace("\n", "\\n"), f"the key is {MARK}"),
        (PEM.replace("RSA ", "") + PEM.replace("RSA ", "EC "), MARK + MARK),
    ],
)
def test_private_keys_go_whole_or_in_pieces(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_key_logged_line_by_line_goes_too() -> None:
    lines = tuple(LogLine(message=line) for line in ("start", *PEM.splitlines(), "end"))
    report = redact_occurrence(ReportOccurrence(service="api", message="x", related_logs=lines))
    kept = [line.message for line in report.related_logs]
    assert kept[0] == "start"
    assert kept[-1] == "end"
    assert not any(part[:20] in line for part in KEY_BODY.splitlines()[:2] for line in kept)


def test_every_text_of_an_occurrence_is_redacted() -> None:
    text = f"it is {GITHUB}"
    report = ReportOccurrence(
        service=text,
        message=text,
        exception_type=text,
        stack_trace=text,
        related_logs=(LogLine(message=text, at_ms=5, log_group="/g", log_stream="s"),),
        request_path=text,
        environment=text,
        instance_id=text,
        commit_sha=text,
        context={text: text, "db_password": "hunter2", "request.cookies.theme": "dark", "user": "bob"},
        occurred_at_ms=7,
        fingerprint="own",
    )
    clean = redact_occurrence(report)
    assert GITHUB.encode() not in msgspec.json.encode(clean)
    assert b"hunter2" not in msgspec.json.encode(clean)
    assert clean.context["request.cookies.theme"] == MARK
    assert clean.context["user"] == "bob"
    assert (clean.occurred_at_ms, clean.fingerprint) == (7, "own")
    assert clean.related_logs[0].at_ms == 5
    assert redact_occurrence(clean) == clean


def test_an_occurrence_without_secrets_comes_back_equal() -> None:
    report = ReportOccurrence(service="api", message="boom", commit_sha="3f786850e387550fdab836ed7e6dc881de23001b")
    assert redact_occurrence(report) == report


@pytest.mark.parametrize(
    "key",
    ["password", "DB_PASSWORD", "X-Api-Key", "refreshToken", "cookie", "user.jwt", "sessionid", "smtp_pass", "pass"],
)
def test_secret_names(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["user", "tokenizer", "token_count", "passwordResetUrl", "session_timeout", "key", "monkey"]
)
def test_plain_names(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "jwt",
        "credential",
        "credentials",
        "authorization",
        "session",
        "sessid",
        "cookie",
        "connect.sid",
        "sig",
        "x-amz-signature",
        "db_pass",
    ]
    + [
        f"{kind}{by}key"
        for kind in ["api", "access", "private", "signing", "encryption", "account", "license"]
        for by in ("", "_", "-")
    ],
)
def test_each_name_is_found_behind_others_in_any_case(name: str) -> None:
    before = "Key sign: passed, keyed " * 3  # what begins as those names do
    for shown in (name, name.upper(), f"my_{name}"):
        if shown != "my_sig":
            assert redact(f"{before}{shown}=x9k2f {shown}=q8w3e") == f"{before}{shown}={MARK} {shown}={MARK}"


_MARKS = r"""= : , ; " ' \ \" [ ] ( ) { } :// @ & -- . / _ - == s x 12 abc İ user:pw@h"""
_WORDS = "password token secret session authorization cookie api_key expired Bearer basic"
_FRAGMENTS = st.sampled_from(
    [*SHAPES, PEM, PEM[:60], PEM[-60:], MARK, " ", "\n", ": ", *_MARKS.split(), *_WORDS.split()]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_FRAGMENTS, max_size=14).map("".join))
def test_twice_is_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


HOSTILE = [
    "a",
    "password",
    "password=",
    'password="',
    'token=\\"',
    "token=\\'",
    "eyJ",
    "eyJaaaaaaaa.",
    "://",
    "://a:b",
    "xox",
]
HOSTILE += ["-----BEGIN PRIVATE KEY-----\n" + KEY_BODY[:40], "-----END PRIVATE KEY-----", "MAAAAAAAAAAAAAAAAAAAAAAAAA."]
HOSTILE += [
    "token=[",
    "token=[token=(",
    "cookie: ",
    "\\",
    "bearer ",
    "pwd=/",
    "token=a.",
    "token=f(",
    "session: a ",
    "AbC1/+",
]


@pytest.mark.parametrize("seed", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(seed: str) -> None:
    """Anything worse than linear runs for hours at this size, into the timeout of the test."""
    text = (seed * (1_000_000 // len(seed) + 1))[:1_000_000]
    assert len(redact(text + '"')) <= len(text) * 3


_PIECES = (
    *SHAPES, *PEM.splitlines(), "password=hunter2", "password:", "hunter2", "Authorization: Bearer abcdefghij012345",
    "postgres://app:hunter2@db/orders", "https://app:", "@host", "Cookie: session=hunter2", '"token": "', "token",
    "api_key", "plain words", "x" * 60, "",
)  # fmt: skip
_TEXT = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=3).map(" ".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    texts=st.lists(_TEXT, min_size=5, max_size=5),
    context=st.dictionaries(_TEXT, _TEXT, max_size=3),
    lines=st.lists(_TEXT, max_size=3),
    tags=st.dictionaries(st.sampled_from(("tenant", "password", "request.cookies.theme")), _TEXT, max_size=2),
)
def test_one_look_at_a_whole_report_misses_nothing_that_each_text_has(
    texts: list[str], context: dict[str, str], lines: list[str], tags: dict[str, str]
) -> None:
    service, message, stack, source, path = texts
    command = ReportOccurrence(
        service=service,
        message=message,
        stack_trace=stack,
        related_logs=tuple(LogLine(message=line) for line in lines),
        context=context,
        tags=tags,
        frames=(Frame(path=path, function="show", line=1, in_app=True, source=source),),
    )
    assert redact_occurrence(command) == redact_each(command)
