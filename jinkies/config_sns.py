"""What ``[sns]`` must look like; checks as those of ``config_checks``."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from jinkies.config_checks import Check, Wrong, kind_of, shown, text, url

MAX_TOPICS = 100
MAX_PATTERNS = 500

_TOPIC = re.compile(r"arn:aws[a-z\-]{0,20}:sns:[a-z0-9\-]{1,40}:\d{12}:[A-Za-z0-9_\-.]{1,256}")


def topics(value: object) -> tuple[str, ...]:
    """ARNs, each whole: a pattern would let in what nobody thought of."""
    if not isinstance(value, list):
        raise Wrong(
            f'expected a list of ARNs, such as ["arn:aws:sns:eu-central-1:123456789012:alarms"], got {kind_of(value)}'
        )
    if len(value) > MAX_TOPICS:
        raise Wrong(f"{len(value)} topics; at most {MAX_TOPICS}")
    return tuple(dict.fromkeys(_topic(one) for one in value))


def _topic(value: object) -> str:
    arn = text(value, limit=400)
    if not _TOPIC.fullmatch(arn):
        raise Wrong(f'{shown(value)} is not the ARN of a topic; such as "arn:aws:sns:eu-central-1:123456789012:alarms"')
    return arn


def patterns(what: Check) -> Check:
    """A table of patterns and what each stands for."""

    def check(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise Wrong(f'expected a table, such as {{ "checkout-*" = "…" }}, got {kind_of(value)}')
        if len(value) > MAX_PATTERNS:
            raise Wrong(f"{len(value)} patterns; at most {MAX_PATTERNS}")
        found = {}
        for pattern, meant in value.items():
            try:
                found[text(pattern, limit=400)] = what(meant)
            except Wrong as error:
                raise Wrong(f"{shown(pattern)}: {error}") from None
        return found

    return check


def emulator(value: object) -> str:
    """An address on this machine: elsewhere, whoever answers there could pose as SNS."""
    address = url(value)
    host = urlsplit(address).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local or urlsplit(address).path:
        raise Wrong(f'{shown(value)} is not an emulator on this machine; such as "http://127.0.0.1:4566"')
    return address


def file(value: object) -> Path:
    """A file; whether it is there, and what is in it, is found out by who reads it."""
    return Path(text(value, limit=4_096))
