"""SNS as far as its signatures go: a key and a certificate of the tests' own, and messages signed with them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
SUBSCRIBE = (
    "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription"
    "&TopicArn=arn:aws:sns:eu-central-1:123456789012:alarms&Token=2336412f37"
)
HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Signer:
    """Signs as SNS does: "Verifying the signatures of Amazon SNS messages" in its guide."""

    def __init__(self, *, starts: timedelta = timedelta(days=-1), ends: timedelta = timedelta(days=365)) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + starts)
            .not_valid_after(now + ends)
            .sign(self.key, SHA256())
        )
        self.pem = certificate.public_bytes(Encoding.PEM)

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields with their signature."""
        names = _SIGNED[fields["Type"]]
        text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        algorithm = SHA1() if fields["SignatureVersion"] == "1" else SHA256()  # noqa: S303 - SNS's version 1 is SHA-1
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return {**fields, "Signature": base64.b64encode(signature).decode()}


@cache
def signer() -> Signer:
    """One for all tests: a key takes a while to make."""
    return Signer()


def timestamp(ago: timedelta = timedelta()) -> str:
    """As SNS writes it."""
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notification(message: str | Mapping[str, object], subject: str | None = None, **changes: str) -> dict[str, str]:
    """An unsigned notification; ``changes`` are other fields."""
    text = message if isinstance(message, str) else json.dumps(message)
    fields = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": timestamp(),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x",
    }
    return {**fields, **({} if subject is None else {"Subject": subject}), **changes}


def confirmation(**changes: str) -> dict[str, str]:
    """An unsigned SubscriptionConfirmation."""
    fields = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37",
        "TopicArn": TOPIC,
        "Message": f"You have chosen to subscribe to the topic {TOPIC}.\nTo confirm, visit the SubscribeURL.",
        "SubscribeURL": SUBSCRIBE,
        "Timestamp": timestamp(),
        "SignatureVersion": "1",
        "SigningCertURL": CERTIFICATE,
    }
    return {**fields, **changes}


class Recorder:
    """Stands where SNS is fetched from, and remembers what was asked for."""

    def __init__(self, pem: bytes) -> None:
        self.asked: list[str] = []
        self.pem = pem

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return self.pem if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"
