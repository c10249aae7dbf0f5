"""Private keys in PEM (RFC 7468): whole, or what is left of them."""

from __future__ import annotations

import re

from jinkies.redact.marks import MARK

ARMOUR = re.compile(r"-----(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_MAX_KEY_CHARS = 32_768  # between the two lines of one key; an RSA key of 16,384 bits has 12,000
_GAP = r"(?:\s|\\+[nr])*+"  # between the lines of a key, in a JSON string too
_KEY_BODY = re.compile(rf"(?:{_GAP}(?:[A-Za-z0-9+/]{{16,}}+={{0,2}}|(?:Proc-Type|DEK-Info): ?[\w,\-]*+))*+")
_LAST_LINE = re.compile(rf"{_GAP}[A-Za-z0-9+/]{{1,15}}+={{0,2}}(?=\s*+\Z|[ \t]*\r?\n|\\|[\"'])")
_BETWEEN_LINES = re.compile(r"((?:\s|\\+[nr])++)")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
KEY_LINE = re.compile(r"\s*[A-Za-z0-9+/]{16,}={0,2}\s*")


def private_keys(text: str) -> str:
    """Keys whole, cut off at the end (the sender bounded its message), or without their first lines."""
    pieces: list[str] = []
    done = 0
    marks = list(ARMOUR.finditer(text))
    for index, mark in enumerate(marks):
        if mark.start() < done:
            continue
        if mark[1] == "END":  # its BEGIN was not in what the sender kept
            pieces += [_cut_tail(text[done : mark.start()]), MARK]
            done = mark.end()
            continue
        following = marks[index + 1] if index + 1 < len(marks) else None
        closed = following is not None and following[1] == "END" and following.start() - mark.end() <= _MAX_KEY_CHARS
        end = following.end() if closed and following is not None else _body_end(text, mark.end())
        pieces += [text[done : mark.start()], MARK]
        done = end
    return "".join((*pieces, text[done:]))


def _body_end(text: str, start: int) -> int:
    body = _KEY_BODY.match(text, start)
    end = body.end() if body else start
    last = _LAST_LINE.match(text, end)
    return last.end() if last else end


def _cut_tail(text: str) -> str:
    """Without the lines of base64 at its end, which are the rest of a key; its last line may be a short one."""
    words = _BETWEEN_LINES.split(text)  # words at even places, what parts them between
    cut = len(words)
    for place in range(len(words) - 1, -1, -2):
        kept = words[place].rstrip("=").rstrip(_BASE64)
        length = len(words[place]) - len(kept)
        if words[place] and length < 16 and (place < len(words) - 3 or kept):
            break
        if length:
            words[place], cut = kept, place + 1
        if kept:
            break
    return "".join(words[:cut])
