"""Links in what people wrote."""

from __future__ import annotations

from urllib.parse import urlsplit


def web_link(text: str) -> str:
    """The text if it is the URL of a web page as a whole, else nothing.

    Only http and https: other schemes may run scripts, or hand the text to programs.
    """
    if not text.isprintable() or any(character in text for character in ' <>"\\'):
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:  # such as an unclosed [ of an IPv6 address
        return ""
    return text if parts.scheme in {"http", "https"} and host else ""
