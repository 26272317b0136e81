"""Markdown that holds what others wrote: labels, reasons, queries. Nothing of it may be markup."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from markupsafe import Markup

_ALWAYS = re.compile(r"[\\`*\[\]<|]")
_AROUND_WORDS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore within a word is no emphasis: `slow_down` stays as it is."""
_STRUCK = re.compile(r"~(?=~)|(?<=~)~")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_AT_START = re.compile(r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+(?=\s*$)|-+(?=\s*$))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_SPACES = re.compile(r"\s+")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_NOT_IN_A_TARGET = re.compile(r"[^\w:/?#@!$&*+,;=.~%-]")
_LONGEST_RUN = re.compile(r"`+")


def one_line(text: str) -> str:
    """The text in one line, without characters that cannot be seen or that turn others round."""
    return _SPACES.sub(" ", _seen(_SPACES.sub(" ", text))).strip()


def _seen(text: str) -> str:
    hidden = {"Cc", "Co", "Cs"}
    return "".join(
        each for each in text if each not in _BIDI and unicodedata.category(each) not in hidden
    )


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, in a paragraph, a heading or a cell of a table."""
    text = one_line(text)
    text = _ALWAYS.sub(lambda found: "\\" + found.group(), text)
    for pattern in (_AROUND_WORDS, _STRUCK, _ENTITY):
        text = pattern.sub(lambda found: "\\" + found.group(), text)
    if _AT_START.match(text):
        return "\\" + text
    return _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text


def output(value: object) -> Markup:
    """What an expression of a template writes: escaped, unless a filter of ours made it."""
    return value if isinstance(value, Markup) else Markup(escaped(str(value)))  # noqa: S704  (Markdown)


def web_address(text: str) -> str:
    """The text if it is the address of a web page as a whole, else nothing.

    Only http and https: other schemes may run scripts, or hand the text to programs.
    """
    if not text.isprintable() or any(each in text for each in ' <>"\\'):
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:  # such as an unclosed [ of an IPv6 address
        return ""
    return text if parts.scheme in {"http", "https"} and host else ""


def link(text: object, address: str | None) -> Markup:
    """A link; the text alone where the address is not that of a web page."""
    shown = output(text)
    if not address or not web_address(address):
        return shown
    target = _NOT_IN_A_TARGET.sub(_encoded, address)
    if str(text) == target:
        return Markup(f"<{target}>")  # noqa: S704  (Markdown)
    return Markup(f"[{shown}]({target})")  # noqa: S704  (Markdown)


def linked(text: str) -> Markup:
    """A text that may be an address as a whole, which then leads there."""
    return link(text, text)


def code(text: object) -> Markup:
    """Code within a line, which may hold backticks."""
    line = one_line(str(text))
    fence = "`" * (1 + max((len(run) for run in _LONGEST_RUN.findall(line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return Markup(f"{fence}{space}{line}{space}{fence}")  # noqa: S704  (Markdown)


def code_cell(text: object) -> Markup:
    """The same in a cell of a table, where a bar has to be escaped in code, too."""
    return Markup(str(code(text)).replace("|", "\\|"))  # noqa: S704  (Markdown)


def block(text: str, language: str = "") -> Markup:
    """A block of code, as it is."""
    clean = "\n".join(_line_of_code(each) for each in text.splitlines())
    fence = "`" * max(3, 1 + max((len(run) for run in _LONGEST_RUN.findall(clean)), default=0))
    return Markup(f"{fence}{language}\n{clean}\n{fence}")  # noqa: S704  (Markdown)


def _line_of_code(line: str) -> str:
    """A line of code without characters that cannot be seen, its spaces kept."""
    return _seen(line.replace("\t", "    ")).rstrip()


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found.group().encode())
