"""``jinkies logs`` as a process of its own, wherever its keys come from, over TLS too: nothing of the SDK is lost."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.processes

PROGRAM = [sys.executable, "-c", "import sys; from jinkies.cli import main; sys.exit(main())", "logs", "/a"]
_KEY = re.compile(r"Credential=(\w+)/")
_ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_SSO_START = "https://desk.awsapps.example/start"
_CREDENTIALS = "[base]\naws_access_key_id = SHARED\naws_secret_access_key = s\n"
_PROFILES = f"""
[profile base]
region = eu-central-1
[profile role]
region = eu-central-1
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = base
[profile program]
region = eu-central-1
credential_process = {sys.executable} -c 'print(\
"{{\\"Version\\": 1, \\"AccessKeyId\\": \\"PROGRAM\\", \\"SecretAccessKey\\": \\"s\\"}}")'
[profile sso]
region = eu-central-1
sso_start_url = {_SSO_START}
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = reader
"""


class Amazon:
    """CloudWatch Logs with one line, the service that hands out roles, and the one behind single sign-on."""

    def __init__(self) -> None:
        self.signed_by: list[str] = []  # access keys of requests for log lines

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/federation/credentials":
            assert request.headers["x-amz-sso_bearer_token"] == "signed-in"
            keys = {
                "accessKeyId": "SINGLE",
                "secretAccessKey": "s",
                "sessionToken": "t",
                "expiration": 4_070_908_800_000,
            }
            return web.json_response({"roleCredentials": keys})
        if "X-Amz-Target" not in request.headers:
            assert "Action=AssumeRole" in await request.text()
            return web.Response(text=_ASSUMED, content_type="text/xml")
        signed_by = _KEY.search(request.headers["Authorization"])
        assert signed_by is not None
        self.signed_by.append(signed_by[1])
        event = {"logStreamName": "web", "timestamp": 1_767_225_600_000, "ingestionTime": 1, "message": "there"}
        return web.json_response({"events": [event]})


@asynccontextmanager
async def serving(amazon: Amazon, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", amazon.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def run(home: Path, url: str, environment: Mapping[str, str]) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "JINKIES_HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the shared files of the AWS CLI, signed in by single sign-on."""
    shared = tmp_path / ".aws"
    cache = shared / "sso" / "cache"
    cache.mkdir(parents=True)
    (shared / "credentials").write_text(_CREDENTIALS)
    (shared / "config").write_text(_PROFILES)
    signed_in = {"accessToken": "signed-in", "expiresAt": "2099-01-01T00:00:00Z"}
    name = hashlib.sha1(_SSO_START.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(signed_in))
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "GIVEN", "AWS_SECRET_ACCESS_KEY": "s"}, "GIVEN"),
        ({"AWS_PROFILE": "base"}, "SHARED"),
        ({"AWS_PROFILE": "role"}, "ASSUMED"),
        ({"AWS_PROFILE": "program"}, "PROGRAM"),
        ({"AWS_PROFILE": "sso"}, "SINGLE"),
    ],
    ids=["environment", "shared file", "assumed role", "program", "single sign-on"],
)
async def test_keys_come_from_where_the_sdk_finds_them(home: Path, environment: Mapping[str, str], key: str) -> None:
    amazon = Amazon()
    async with serving(amazon) as url:
        assert await run(home, url, environment) == (0, "2026-01-01T00:00:00.000Z web there\n", "")
    assert set(amazon.signed_by) == {key}


async def test_tls_trusts_whom_it_is_told_to_and_nobody_else(home: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(home / "authority.pem"))
    amazon = Amazon()
    environment = {"AWS_PROFILE": "base", "AWS_CA_BUNDLE": str(home / "authority.pem")}
    async with serving(amazon, tls) as url:
        assert await run(home, url, environment) == (0, "2026-01-01T00:00:00.000Z web there\n", "")
        code, out, err = await run(home, url, {"AWS_PROFILE": "base"})
    assert (code, out) == (1, "")
    assert err.startswith("jinkies: CloudWatch's certificate is not trusted: ")


def _certificate(path: Path) -> Path:
    """One for 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    return path
