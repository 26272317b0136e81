"""Where the store is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from exporter.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """A PostgreSQL database: its URL, or the file that holds it, which is read at every connection.

    As text it is the file, or the URL without user, password and parameters.
    """

    url: str | None = field(default=None, repr=False)
    url_file: Path | None = None

    def read(self) -> str:
        """The URL.

        Raises:
            StoreError: the file cannot be read, or holds something else.
        """
        if self.url_file is None:
            return self.url or ""
        try:
            text = self.url_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise StoreError(f"{self.url_file} cannot be read: {why}") from error
        if not text.startswith(SCHEMES):
            raise StoreError(f"{self.url_file} does not hold a URL that begins with postgresql://")
        return text

    def __str__(self) -> str:
        if self.url_file is not None:
            return f"PostgreSQL by {self.url_file}"
        rest = (self.url or "").partition("://")[2].partition("?")[0]
        return f"postgresql://{rest.rpartition('@')[2]}"


Place = Path | PostgresSettings
"""A folder, for a SQLite file in it, or a database."""
