"""``POST /sns``: a subscription of an SNS topic. Its signature is what lets in, and only for topics that are allowed.

Everything that costs nothing is checked first: nothing is fetched for a message that is of another topic, too old, or
whose addresses are not exactly SNS's. SNS takes any answer from 200 to 4xx for a delivery, so what may be tried again
is answered 5xx; its retries keep the message's id, which is the idempotency key.
"""

from __future__ import annotations

import logging
from functools import partial

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.ingest import sns_message, sns_notice
from jinkies.ingest.auth import Unauthorized
from jinkies.ingest.aws_names import Origin
from jinkies.ingest.many import answer_many, answer_retried
from jinkies.ingest.refusals import Refused
from jinkies.ingest.sns_message import SnsMessage
from jinkies.ingest.sns_signature import BadSignature, Fetch, FetchFailed, Verifier, fetch, load_certificate
from jinkies.ingest.ways import Incoming, Parsed, Way

TYPE_HEADER = "x-amz-sns-message-type"
RAW_HEADER = "x-amz-sns-rawdelivery"
RETRY_S = 20
MAX_BODY = 2_097_152  # SNS quota: a message of 256 KiB, whose quotes and line ends are escaped here

_log = logging.getLogger(__name__)


def way(config: Config, clock: Clock, fetch: Fetch = fetch) -> Way:
    """The way in for SNS.

    Args:
        config: its ``sns`` part says which topics may report.
        clock: against which ages and certificates are checked.
        fetch: gives the body at an address that was checked.

    Raises:
        ConfigError: ``[sns] certificate_file`` is no certificate.
    """
    trusted = load_certificate(config.sns.certificate_file) if config.sns.certificate_file is not None else None
    door = _Door(config, Verifier(clock, fetch, trusted), fetch)
    return Way(
        path="/sns",
        parse=partial(_parse, config=config),
        content_types=frozenset({"text/plain", "application/json"}),
        prove=door.prove,
        answer_error=answer_retried,
    )


class _Door:
    """Who is let in."""

    def __init__(self, config: Config, verifier: Verifier, fetch: Fetch) -> None:
        self._config = config
        self._verifier = verifier
        self._fetch = fetch

    async def prove(self, incoming: Incoming) -> str:
        """The sender's name, once SNS is known to have sent it; confirms a subscription that is wanted."""
        self._check_head(incoming)
        if len(incoming.body) > MAX_BODY:
            raise Refused(413, "too_large", f"a message of SNS has at most {MAX_BODY} bytes")
        message = sns_message.parse(incoming.body)
        if message.topic_arn not in self._config.sns.topics:
            raise Refused(403, "topic", "this topic is not in [sns] topics")
        topic = sns_message.topic_of(message.topic_arn)
        sns_message.sent_at_ms(message, now_ms=incoming.now_ms)
        confirm = None
        if message.type == "SubscriptionConfirmation":
            confirm = sns_message.subscribe_url(message, topic, emulator=self._config.sns.endpoint_url)
        try:
            await self._verifier.verify(message)
            if confirm is not None:
                await self._fetch(confirm)
                _log.info("the subscription of %s is confirmed", topic.arn)
        except BadSignature as error:
            raise Unauthorized(str(error)) from None
        except FetchFailed as error:
            raise Refused(503, "sns", str(error), retry_after_s=RETRY_S) from None
        return f"sns:{topic.name}"

    def _check_head(self, incoming: Incoming) -> None:
        if (missing := self._config.sns.missing()) is not None:
            raise Refused(403, "unconfigured", f"no topic may report: {missing}")
        if incoming.headers.get(RAW_HEADER, "").lower() == "true":
            raise Refused(403, "raw", "raw deliveries carry no signature: turn RawMessageDelivery off")
        if TYPE_HEADER not in incoming.headers:
            raise Refused(400, "headers", f"no {TYPE_HEADER}: only SNS itself posts here")


def _parse(incoming: Incoming, config: Config) -> Parsed:
    """What was proved, into a command."""
    message = sns_message.parse(incoming.body)
    if message.type != "Notification":
        return Parsed(command=None, answer=partial(answer_many, note=_confirmed(message)))
    origin = Origin(
        topic=sns_message.topic_of(message.topic_arn),
        sent_at_ms=sns_message.sent_at_ms(message, now_ms=incoming.now_ms),
        config=config,
    )
    notice = sns_notice.parse(message.message, message.subject, origin, now_ms=incoming.now_ms)
    note = "" if notice.item is not None else f"an {notice.kind} that neither opens nor resolves anything: noted"
    return Parsed(command=notice.item, key=f"sns:{message.message_id}", answer=partial(answer_many, note=note))


def _confirmed(message: SnsMessage) -> str:
    if message.type == "SubscriptionConfirmation":
        return "the subscription is confirmed"
    _log.warning("somebody ended the subscription of %s: no alerts come from it any more", message.topic_arn)
    return "noted that the subscription ended"
