"""What SNS posts to an HTTP endpoint, and the text that its signature is over. Pure.

Where the rules come from: Amazon SNS, "HTTP/HTTPS subscription confirmation JSON format", "… notification JSON format",
"… unsubscribe confirmation JSON format", "Verifying the signatures of Amazon SNS messages". Message attributes are not
signed: nothing here reads them.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from jinkies.ingest.fields import occurred_at_ms
from jinkies.ingest.hook_json import read
from jinkies.ingest.refusals import BadField

TYPES = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
MAX_AGE_MS = 3_600_000  # SNS gives up sooner: the default is 3 retries, 20 s apart
MAX_AHEAD_MS = 300_000  # how far its clock may be ahead of ours
MAX_URL = 2_048

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_ARN = re.compile(r"arn:aws[a-z\-]{0,20}:sns:([a-z0-9\-]{1,40}):(\d{12}):([A-Za-z0-9_\-.]{1,256})")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9\-]{1,100}")
_HOST = re.compile(r"sns\.([a-z]{2,8}(?:-[a-z0-9]{1,16}){1,4})\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,100}\.pem")


class SnsMessage(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A message as it came in. What it says is true only when its signature is."""

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str  # base64
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None  # of the confirmations
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)


_DECODER = msgspec.json.Decoder(SnsMessage)


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What an ARN of a topic says."""

    arn: str
    name: str
    region: str
    account: str


def parse(body: bytes) -> SnsMessage:
    """Read a bounded body. Raises ``MalformedJson`` or ``BadField``."""
    message = read(body, _DECODER)
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise BadField("MessageId", "expected a UUID")
    if message.signature_version not in ("1", "2"):
        raise BadField("SignatureVersion", 'expected "1" or "2"')
    topic_of(message.topic_arn)
    if message.type != "Notification" and not (message.token and message.subscribe_url):
        raise BadField("SubscribeURL" if message.token else "Token", "is required")
    return message


def topic_of(arn: str) -> Topic:
    """The parts of a topic's ARN. Raises ``BadField``."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise BadField("TopicArn", "expected the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:alarms")
    return Topic(arn=arn, region=found[1], account=found[2], name=found[3])


def sent_at_ms(message: SnsMessage, *, now_ms: int) -> int:
    """When SNS sent it first. Raises ``BadField`` when that is more than an hour ago, or ahead of us."""
    at_ms = occurred_at_ms("Timestamp", message.timestamp, now_ms=now_ms)
    if at_ms is None:
        raise BadField("Timestamp", "is required")
    if now_ms - at_ms > MAX_AGE_MS:
        raise BadField("Timestamp", "is more than an hour ago: a replay, or this machine's clock is wrong")
    if at_ms - now_ms > MAX_AHEAD_MS:
        raise BadField("Timestamp", "is ahead of this machine's clock")
    return at_ms


def signed_text(message: SnsMessage) -> bytes:
    """What the signature is over: names and values, each with a line end, in SNS's order; Subject only if there."""
    names = _NOTIFICATION if message.type == "Notification" else _CONFIRMATION
    values = {
        "Message": message.message,
        "MessageId": message.message_id,
        "Subject": message.subject,
        "SubscribeURL": message.subscribe_url,
        "Timestamp": message.timestamp,
        "Token": message.token,
        "TopicArn": message.topic_arn,
        "Type": message.type,
    }
    return "".join(f"{name}\n{value}\n" for name in names if (value := values[name]) is not None).encode()


def certificate_url(message: SnsMessage) -> str:
    """Where the certificate is, if that is SNS itself. Raises ``BadField`` before anything is fetched."""
    parts = urlsplit(_of_sns("SigningCertURL", message.signing_cert_url))
    if not _CERTIFICATE.fullmatch(parts.path) or "?" in message.signing_cert_url:
        raise BadField("SigningCertURL", "expected the path /SimpleNotificationService-….pem")
    return message.signing_cert_url


def subscribe_url(message: SnsMessage, topic: Topic, *, emulator: str | None = None) -> str:
    """What to visit to confirm, if that is SNS itself and for this very topic. Raises ``BadField``.

    Args:
        message: a SubscriptionConfirmation.
        topic: the one that it says it is of.
        emulator: the address on this machine that may stand for SNS too, such as ``http://127.0.0.1:4566``.
    """
    url = message.subscribe_url or ""
    if emulator is None or not url.startswith(f"{emulator}/") or not _plain(url):
        host = urlsplit(_of_sns("SubscribeURL", url)).netloc
        if not host.startswith(f"sns.{topic.region}."):
            raise BadField("SubscribeURL", "expected the region of the topic")
    parts = urlsplit(url)
    try:
        asked = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        asked = {}
    if parts.path not in ("", "/") or asked.get("Action") != ["ConfirmSubscription"]:
        raise BadField("SubscribeURL", "expected Action=ConfirmSubscription")
    if asked.get("TopicArn") != [topic.arn] or asked.get("Token") != [message.token]:
        raise BadField("SubscribeURL", "expected the topic and the token of the message")
    return url


def _of_sns(field: str, url: str) -> str:
    """An address of ``https://sns.<region>.amazonaws.com[.cn]`` exactly: no port, no user, no other spelling."""
    wrong = BadField(field, "expected https://sns.<region>.amazonaws.com/… exactly")
    if not _plain(url):
        raise wrong
    try:
        parts = urlsplit(url)
    except ValueError:
        raise wrong from None
    found = _HOST.fullmatch(parts.netloc)  # of the netloc: user, port and upper case are refused by it too
    if (
        not url.startswith("https://")
        or found is None
        or bool(found[2]) != found[1].startswith("cn-")
        or parts.fragment
    ):
        raise wrong
    return url


def _plain(url: str) -> bool:
    """Without what parsers of addresses read in different ways."""
    return 0 < len(url) <= MAX_URL and url.isascii() and url.isprintable() and not set(url) & set(' \\"<>^`{|}#')
