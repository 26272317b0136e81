"""What a terminal or a log gets: text alone, whatever the text holds that came from elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_UNPRINTABLE = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, what turns text around, and half characters. Tabs and line ends stay, those
of CSV too, which are two characters."""


def printable(text: str) -> str:
    """A text with `\\u001b` in place of such characters: JSON means the same as before."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Printable:
    """A stream that writes printable text; all else is the stream's own.

    `raw` is the stream, for what draws on a terminal itself.
    """

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write it; how long it was."""
        self.raw.write(printable(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the stream has)
        return getattr(self.raw, name)


@contextmanager
def printable_streams() -> Iterator[None]:
    """Standard output and standard error are such streams meanwhile, for logs as well."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, Printable(stream)) for stream in before)
    yield
    sys.stdout, sys.stderr = before  # not after an error: its traceback comes yet


def raw_stderr() -> TextIO:
    """Standard error for what draws on a terminal itself."""
    return cast(TextIO, getattr(sys.stderr, "raw", sys.stderr))
