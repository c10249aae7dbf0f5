"""What changes from one occurrence of a line to the next: names and regular expressions, in the order of their use.

A change here changes the fingerprints of alerts that are told apart by their message.
"""

from __future__ import annotations

import re

ESCAPE = "\x1b"
COLOURS = re.compile(r"\x1b\[[0-9;]{0,32}m")  # ECMA-48, SGR: loggers write them for terminals, and they end in logs

SOURCES: tuple[tuple[str, str], ...] = (
    ("text", r"(?<!\w)\"[^\"\n]{0,500}\"|(?<!\w)'[^'\n]{0,500}'(?!\w)|`[^`\n]{0,500}`"),
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    # Kubernetes: a pod is named after its hash and five more, of an alphabet without vowels
    ("pod", r"(?<=-)[b-df-hj-np-tv-xz2-9]{8,10}-[b-df-hj-np-tv-xz2-9]{5}(?![\w\-])"),
    ("email", r"(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}"),
    (
        "time",
        (
            r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+\-]\d\d:?\d\d))?)?"
            r"|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
        ),
    ),
    ("ip", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"),
    ("ip", r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?![\w:])"),
    ("hex", r"\b0x[0-9a-fA-F]{1,64}\b|(?<![A-Za-z0-9])(?=[a-fA-F]{0,63}\d)[0-9a-fA-F]{8,128}(?![A-Za-z0-9])"),
    # ULIDs, request ids, keys of object stores: digits at two places or more; Base64Decoder is a name
    ("id", r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,63}\d++[A-Za-z]++\d)[A-Za-z0-9]{10,64}(?![A-Za-z0-9])"),
    ("number", r"[+\-]?\d++(?:[.,]\d++){0,8}"),
)
