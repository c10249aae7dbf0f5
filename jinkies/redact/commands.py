"""Passwords in command lines that people log and paste: ``curl -u user:password``, ``mysql -ppassword``."""

from __future__ import annotations

import re

from jinkies.redact.marks import KEEP_NOTHING, MARK, Keep

_LONGEST = 1_000  # characters of a command line that are looked at
_BY = r"[ \t\"',=]{1,4}"  # between arguments, in a list of them too
_USER = re.compile(
    rf"{_BY}(?:-u|--user|-U|--proxy-user){_BY}(?!\d{{1,7}}:\d{{1,7}}\b)[^\s:\"',]{{0,128}}:(?P<secret>[^\s\"',]{{1,256}})"
)
_AUTH = re.compile(rf"{_BY}(?:-a|--auth){_BY}[^\s:\"',]{{1,128}}:(?P<secret>[^\s\"',]{{1,256}})")
_GLUED = re.compile(r"[ \t\"',]-p(?P<secret>[^\s\"',]{1,256})")
_APART = re.compile(rf"{_BY}-p[ \t]?{_BY}?(?P<secret>[^\s\"',\-][^\s\"',]{{0,255}})")
_LOGIN = re.compile(rf"login\b[^\n]{{0,400}}?{_BY}-p[ \t]?{_BY}?(?P<secret>[^\s\"',\-][^\s\"',]{{0,255}})")
_REDIS = re.compile(rf"{_BY}(?:-a|--pass){_BY}(?P<secret>[^\s\"',]{{1,256}})")
_OPENSSL = re.compile(r"pass:(?P<secret>[^\s\"',]{1,256})")
_TOOLS = (  # what is on the line besides the tool, and what is looked for there
    ("curl", ("-u", "-U"), _USER),
    ("http", ("-a",), _AUTH),
    ("mysql", ("-p",), _GLUED),
    ("mariadb", ("-p",), _GLUED),
    ("sshpass", ("-p",), _APART),
    ("docker", ("-p",), _LOGIN),
    ("redis-cli", ("-a", "-p"), _REDIS),
    ("openssl", ("pass:",), _OPENSSL),
)


def tools_in(words: str) -> list[str]:
    """The tools that words tell of, each beside an argument that a password may follow."""
    return [tool for tool, options, _ in _TOOLS if tool in words and any(option in words for option in options)]


def command_lines(text: str, words: str, keep: Keep = KEEP_NOTHING) -> str:
    """With the mark for each password in the arguments of a tool that takes one there; ``words`` are the text's."""
    tools = tools_in(words)
    for tool, _, pattern in _TOOLS if tools else ():
        if tool in tools:
            text = _of_tool(text, tool, pattern, keep)
    return text


def _of_tool(text: str, tool: str, pattern: re.Pattern[str], keep: Keep) -> str:
    pieces: list[str] = []
    done, at = 0, text.find(tool)
    while at >= 0:
        begin = at + len(tool)
        if at and (text[at - 1].isalnum() or text[at - 1] in "-_"):
            at = text.find(tool, begin)
            continue
        line_end = text.find("\n", begin, begin + _LONGEST)
        end = line_end if line_end >= 0 else min(len(text), begin + _LONGEST)
        while (match := pattern.search(text, begin, end)) is not None:
            start, begin = match.span("secret")
            if not keep.holds(text, start, begin):
                pieces += [text[done:start], MARK]
                done = begin
        at = text.find(tool, end)
    return "".join((*pieces, text[done:])) if pieces else text
