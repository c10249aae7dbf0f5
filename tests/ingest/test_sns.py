"""The door of SNS: what it signed for an allowed topic comes in, everything else stays out and nothing is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from jinkies.clock import SystemClock
from jinkies.config import Config, SnsConfig
from jinkies.errors import ConfigError, Overloaded, StoreFailed
from jinkies.ingest import sns, sns_signature
from jinkies.ingest.sns_message import parse
from jinkies.ingest.sns_signature import FETCH_BYTES, FETCHES, FetchFailed, Verifier, fetch
from jinkies.model import EntryKind, Severity, State
from tests.ingest.hooking import Hook, Taken, hooking
from tests.ingest.signing import (
    CERTIFICATE,
    HEADERS,
    SUBSCRIBE,
    TOPIC,
    Recorder,
    Signer,
    confirmation,
    notification,
    signer,
    timestamp,
)
from tests.ingest.test_sns_notice import ALARM


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(signer().pem)


@pytest.fixture
def allowing(configure: Callable[..., Config]) -> Config:
    return configure(sns=SnsConfig(topics=(TOPIC,)))


@pytest.fixture
async def hook(allowing: Config, recorder: Recorder) -> AsyncIterator[Hook]:
    async with hooking(allowing, fetch=recorder) as hook:
        yield hook


async def post(hook: Hook, fields: object, **headers: str) -> tuple[int, Taken]:
    """As SNS does: no token, text/plain."""
    named = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    content = fields if isinstance(fields, bytes) else msgspec.json.encode(fields)
    answer = await hook.client.post("/sns", content=content, headers=named)
    return answer.status_code, msgspec.json.decode(answer.content, type=Taken)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "Disk is full", "Schöne Grüße 🎉"])
async def test_what_sns_signed_comes_in(hook: Hook, recorder: Recorder, version: str, subject: str | None) -> None:
    sent = signer().signed(notification('line 1\nline 2 "quoted" \\ ü', subject, SignatureVersion=version))
    status, taken = await post(hook, sent)
    assert (status, taken.reports, taken.created) == (200, 1, 1)
    assert recorder.asked == [CERTIFICATE]
    (row,) = await hook.rows()
    assert (row.service, row.title) == ("alarms", subject or "line 1")


async def test_a_retry_is_the_same_and_its_certificate_is_known(hook: Hook, recorder: Recorder) -> None:
    sent = signer().signed(notification("boom"))
    first = await post(hook, sent)
    assert await post(hook, sent) == first
    assert (await hook.rows())[0].count == 1
    await post(hook, signer().signed(notification("boom", MessageId="another")))
    assert (await hook.rows())[0].count == 2
    assert recorder.asked == [CERTIFICATE]


async def test_a_subscription_of_an_allowed_topic_is_confirmed(hook: Hook, recorder: Recorder) -> None:
    status, taken = await post(hook, signer().signed(confirmation()))
    assert (status, taken.note) == (200, "the subscription is confirmed")
    assert recorder.asked == [CERTIFICATE, SUBSCRIBE]
    ended = signer().signed(confirmation(Type="UnsubscribeConfirmation"))
    assert (await post(hook, ended))[1].note == "noted that the subscription ended"
    assert recorder.asked == [CERTIFICATE, SUBSCRIBE]  # following that one would subscribe again


HOSTS = [
    "https://sns.us-east-1.amazonaws.com.evil.example",
    "https://sns.us-east-1.amazonaws.com@evil.example",
    "https://evil.example\\@sns.us-east-1.amazonaws.com",
    "https://evil.example#@sns.us-east-1.amazonaws.com",
    "https://evil.example/https://sns.us-east-1.amazonaws.com",
    "https://user@sns.us-east-1.amazonaws.com",
    "https://sns.us-east-1.amazonaws.com:443",
    "https://sns.us-east-1.amazonaws.com:8443",
    "https://sns.us-east-1.amazonaws.com.",
    "https://sns.us-east-1.amazonaws.com.cn",
    "https://sns.cn-north-1.amazonaws.com",
    "https://SNS.us-east-1.amazonaws.com",
    "https://sns.us\u2010east\u20101.amazonaws.com",
    "https://sns.us-east-1.amazonaws\u3002com",
    "https://sns.us-east-1.\u0430mazonaws.com",
    "https://sns.amazonaws.com",
    "https://sns.evil.us-east-1.amazonaws.com",
    "https://sns-us-east-1.amazonaws.com",
    "https://s3.us-east-1.amazonaws.com",
    "https://sns.us-east-1.s3.amazonaws.com",
    "https://xsns.us-east-1.amazonaws.com",
    "http://sns.us-east-1.amazonaws.com",
    "HTTPS://sns.us-east-1.amazonaws.com",
    "//sns.us-east-1.amazonaws.com",
    "file:///etc",
    "https://127.0.0.1",
    "https://[::1",
    " https://sns.us-east-1.amazonaws.com",
    "https://sns.us-east-1.amazonaws.com\t",
    "https://sns.us-east-1\n.amazonaws.com",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_certificate_from_elsewhere_is_not_fetched(hook: Hook, recorder: Recorder, host: str) -> None:
    url = f"{host}/SimpleNotificationService-9c6465fa.pem"
    status, taken = await post(hook, signer().signed(notification("boom", SigningCertURL=url)))
    assert (status, taken.field) == (422, "SigningCertURL")
    assert (recorder.asked, await hook.rows()) == ([], ())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/evil.pem",
        "/SimpleNotificationService-9c6465fa.pem?x=1",
        "/SimpleNotificationService-9c6465fa.pem?",
        "/SimpleNotificationService-9c6465fa.pem#x",
        "/SimpleNotificationService-9c6465fa.pem;x",
        "/SimpleNotificationService-.pem",
        "/SimpleNotificationService-../../x.pem",
        "/SimpleNotificationService-%2e%2e%2fx.pem",
        "/a/SimpleNotificationService-9c6465fa.pem",
        "//SimpleNotificationService-9c6465fa.pem",
        "/SimpleNotificationService-9c6465fa.PEM",
        "/SimpleNotificationService-" + "9" * 3_000 + ".pem",
    ],
)
async def test_a_certificate_at_another_path_is_not_fetched(hook: Hook, recorder: Recorder, path: str) -> None:
    url = f"https://sns.us-east-1.amazonaws.com{path}"
    status, taken = await post(hook, signer().signed(notification("boom", SigningCertURL=url)))
    assert (status, taken.field) == (422, "SigningCertURL")
    assert recorder.asked == []


@pytest.mark.parametrize("host", HOSTS)
async def test_a_subscription_from_elsewhere_is_not_confirmed(hook: Hook, recorder: Recorder, host: str) -> None:
    url = SUBSCRIBE.replace("https://sns.eu-central-1.amazonaws.com", host)
    status, taken = await post(hook, signer().signed(confirmation(SubscribeURL=url)))
    assert (status, taken.field) == (422, "SubscribeURL")
    assert recorder.asked == []


@pytest.mark.parametrize(
    "change",
    [
        ("eu-central-1.amazonaws", "us-east-1.amazonaws"),
        ("ConfirmSubscription", "Publish"),
        (":alarms", ":other"),
        ("Token=2336412f37", "Token=another"),
        ("Token=", "Token=a&Token="),
        ("/?", "/evil?"),
        ("?Action", "?" + "a=1&" * 50 + "Action"),
        ("amazonaws.com/?", "amazonaws.com/#?"),
    ],
)
async def test_only_the_subscription_itself_is_confirmed(
    hook: Hook, recorder: Recorder, change: tuple[str, str]
) -> None:
    status, taken = await post(hook, signer().signed(confirmation(SubscribeURL=SUBSCRIBE.replace(*change))))
    assert (status, taken.field) == (422, "SubscribeURL")
    assert recorder.asked == []


@pytest.mark.parametrize("topic", [TOPIC + "x", TOPIC.replace("1234", "9999"), TOPIC.replace("eu-", "us-")])
async def test_another_topic_stays_out_and_is_not_confirmed(hook: Hook, recorder: Recorder, topic: str) -> None:
    for fields in (notification("boom", TopicArn=topic), confirmation(TopicArn=topic)):
        status, taken = await post(hook, signer().signed(fields))
        assert (status, taken.message) == (403, "this topic is not in [sns] topics")
    assert (recorder.asked, await hook.rows()) == ([], ())


@pytest.mark.parametrize(
    ("ago", "why"),
    [
        (timedelta(minutes=61), "is more than an hour ago"),
        (timedelta(days=900), "is more than an hour ago"),
        (timedelta(minutes=-6), "is ahead of this machine's clock"),
        (timedelta(days=-2), "must lie between"),
    ],
)
async def test_an_old_message_and_one_of_the_future_stay_out(
    hook: Hook, recorder: Recorder, ago: timedelta, why: str
) -> None:
    status, taken = await post(hook, signer().signed(notification("boom", Timestamp=timestamp(ago))))
    assert (status, taken.field) == (422, "Timestamp")
    assert why in taken.message
    assert (recorder.asked, await hook.rows()) == ([], ())


@pytest.mark.parametrize(
    "changes",
    [
        {"Message": "other"},
        {"Message": "boom\n"},
        {"Subject": "added"},
        {"MessageId": "other"},
        {"Timestamp": "2026-11-23T00:00:00.000Z"},
        {"SignatureVersion": "1"},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "not base64!"},
        {"Signature": "A" * 3_000},
        {"Type": "UnsubscribeConfirmation", "Token": "t", "SubscribeURL": SUBSCRIBE},
    ],
)
async def test_what_was_changed_stays_out(hook: Hook, changes: dict[str, str]) -> None:
    original = signer().signed(notification("boom", Timestamp=timestamp(timedelta(seconds=3))))
    changed = {**original, **changes}
    if "Timestamp" in changes:
        changed["Timestamp"] = timestamp()
    status, taken = await post(hook, changed)
    assert (status, taken.error) == (401, "unauthorized")
    assert await hook.rows() == ()
    assert (await post(hook, original))[0] == 200


async def test_a_confirmation_with_a_changed_address_is_not_visited(hook: Hook, recorder: Recorder) -> None:
    sent = {**signer().signed(confirmation()), "Message": "other"}
    assert (await post(hook, sent))[0] == 401
    assert recorder.asked == [CERTIFICATE]


async def test_another_key_stays_out(hook: Hook) -> None:
    status, taken = await post(hook, Signer().signed(notification("boom")))
    assert (status, taken.message) == (401, "the signature does not fit the message")


@pytest.mark.parametrize(
    ("starts", "ends"), [(timedelta(days=-9), timedelta(days=-1)), (timedelta(days=1), timedelta(days=9))]
)
async def test_a_certificate_that_is_not_valid_now_stays_out(
    hook: Hook, recorder: Recorder, starts: timedelta, ends: timedelta
) -> None:
    other = Signer(starts=starts, ends=ends)
    recorder.pem = other.pem
    status, taken = await post(hook, other.signed(notification("boom")))
    assert (status, taken.message) == (401, "the certificate is not valid now")


async def test_what_is_no_certificate_stays_out(hook: Hook, recorder: Recorder) -> None:
    recorder.pem = b"<html>"
    assert (await post(hook, signer().signed(notification("boom"))))[0] == 401


async def test_a_raw_delivery_and_one_without_the_headers_stay_out(hook: Hook, recorder: Recorder) -> None:
    sent = signer().signed(notification("boom"))
    status, taken = await post(hook, sent, x_amz_sns_rawdelivery="true")
    assert (status, taken.error) == (403, "raw")
    answer = await hook.client.post("/sns", json=sent)
    assert answer.status_code == 400
    assert recorder.asked == []


async def test_a_type_that_is_none_and_fields_that_miss_stay_out(hook: Hook, recorder: Recorder) -> None:
    for changes in ({"Type": "Other"}, {"SignatureVersion": "3"}, {"MessageId": "a b"}, {"TopicArn": "x"}):
        assert (await post(hook, {**notification("boom", Signature="AAAA"), **changes}))[0] == 422
    for name in ("Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature", "SigningCertURL"):
        sent = {key: value for key, value in signer().signed(notification("boom")).items() if key != name}
        assert (await post(hook, sent))[0] == 422
    for name in ("Token", "SubscribeURL"):
        sent = {key: value for key, value in signer().signed(confirmation()).items() if key != name}
        assert (await post(hook, sent))[1].field == name
    assert (await post(hook, b"x" * 2_200_000))[0] in (400, 413)
    assert (await post(hook, b"", Content_Encoding="gzip"))[0] == 415
    assert recorder.asked == []


async def test_without_topics_it_says_what_to_set(config: Config) -> None:
    async with hooking(config) as hook:
        status, taken = await post(hook, signer().signed(notification("boom")))
    assert (status, taken.error) == (403, "unconfigured")
    assert "set topics in [sns]" in taken.message


async def test_sns_that_is_away_is_asked_again_by_its_own_retry(allowing: Config) -> None:
    async def away(url: str) -> bytes:
        raise FetchFailed("SNS can't be reached (ConnectError)")

    async with hooking(allowing, fetch=away) as hook:
        assert (await post(hook, signer().signed(notification("boom"))))[0] == 503


async def test_what_could_not_be_stored_is_5xx(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """SNS takes any 4xx for a delivery, a busy core's 429 too."""
    sent = signer().signed(notification("boom"))
    for failure in (StoreFailed("disk full"), Overloaded("1,000 commands wait already")):

        async def fail(*_: object, failure: Exception = failure) -> None:
            raise failure

        with monkeypatch.context() as patch:
            patch.setattr(hook.core, "execute", fail)
            assert (await post(hook, sent))[0] == 503
    assert (await post(hook, sent))[1].created == 1


async def test_an_emulator_on_this_machine_is_trusted_by_its_certificate_and_nothing_is_fetched(
    configure: Callable[..., Config], tmp_path: Path
) -> None:
    path = tmp_path / "emulator.pem"
    path.write_bytes(signer().pem)
    endpoint = "http://127.0.0.1:4566"
    settings = SnsConfig(topics=(TOPIC,), certificate_file=path, endpoint_url=endpoint)
    recorder = Recorder(b"")
    local = SUBSCRIBE.replace("https://sns.eu-central-1.amazonaws.com", endpoint)
    async with hooking(configure(sns=settings), fetch=recorder) as hook:
        sent = signer().signed(notification("boom", SigningCertURL="http://evil.example/x.pem"))
        assert (await post(hook, sent))[0] == 200
        assert (await post(hook, Signer().signed(notification("boom"))))[0] == 401
        assert recorder.asked == []
        assert (await post(hook, signer().signed(confirmation(SubscribeURL=local))))[0] == 200
        for other in (local.replace("4566", "4567"), local.replace("127.0.0.1:4566", "127.0.0.1:4566@evil.example")):
            assert (await post(hook, signer().signed(confirmation(SubscribeURL=other))))[0] == 422
    assert recorder.asked == [local]


def test_a_certificate_file_that_is_none_is_told(configure: Callable[..., Config], tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    config = configure(sns=SnsConfig(topics=(TOPIC,), certificate_file=path))
    with pytest.raises(ConfigError, match="No such file"):
        sns.way(config, SystemClock())
    path.write_text("x")
    with pytest.raises(ConfigError, match="not a certificate in PEM"):
        sns.way(config, SystemClock())


async def test_certificates_are_asked_for_only_so_often_and_only_so_many_are_kept() -> None:
    recorder = Recorder(signer().pem)
    verifier = Verifier(SystemClock(), recorder)

    def at(number: int) -> str:
        return f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{number}.pem"

    async def verify(number: int) -> None:
        await verifier.verify(parse(msgspec.json.encode(signer().signed(notification("x", SigningCertURL=at(number))))))

    for number in range(FETCHES):
        await verify(number)
    with pytest.raises(FetchFailed, match="too many certificates"):
        await verify(FETCHES)
    await verify(0)
    assert len(recorder.asked) == FETCHES


class _Served:
    """A server on loopback that answers what it is told, and says what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            writer.write(self.answer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (FETCH_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"nonsense\r\n\r\n",
    ],
)
async def test_a_certificate_that_redirects_or_is_large_is_none(answer: bytes) -> None:
    served = _Served(answer)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(FetchFailed):
            await fetch(f"http://127.0.0.1:{port}/SimpleNotificationService-1.pem")
    assert len(served.asked) == 1


async def test_a_certificate_that_dawdles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    held = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    monkeypatch.setattr(sns_signature, "FETCH_S", 0.2)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(FetchFailed):
            await fetch(f"http://127.0.0.1:{port}/")
        held.set()


async def test_an_alarm_opens_and_its_ok_resolves(hook: Hook) -> None:
    ids = iter(range(10))

    async def tell(state: str, at: str) -> Taken:
        message = {**ALARM, "NewStateValue": state, "StateChangeTime": f"2025-12-31T{at}.000+0000"}
        status, taken = await post(hook, signer().signed(notification(message, MessageId=f"m-{next(ids)}")))
        assert status == 200
        return taken

    async def row() -> tuple[State, int]:
        (row,) = await hook.rows()
        return row.state, row.count

    assert (await tell("ALARM", "10:00:00")).created == 1
    assert (await tell("ALARM", "10:00:00")).changed == 0  # by a second topic
    assert await row() == (State.OPEN, 1)
    told = await tell("INSUFFICIENT_DATA", "10:01:00")
    assert (told.reports, told.created, told.changed) == (1, 0, 1)
    assert await row() == (State.OPEN, 1)
    noted = (await hook.detail()).timeline[-1]
    assert noted.kind is EntryKind.ALERT_NOTED
    assert noted.text.startswith("insufficient data: ")
    await tell("OK", "10:02:00")
    assert await row() == (State.RESOLVED, 1)
    await tell("ALARM", "10:03:00")
    assert await row() == (State.OPEN, 2)
    await tell("OK", "10:02:30")  # late
    assert await row() == (State.OPEN, 2)
    assert (await hook.detail()).row.severity is Severity.ERROR
