"""The `storage` section of the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.config.types.connection_fields import ReadableFile
from exporter.config.types.fields import Kind, Secret, Text
from exporter.config.types.section import Section
from exporter.store.settings import Place, PostgresSettings, mistake


def storage_folder(text: str, beside: Path) -> Path | None:
    """The folder that a storage path means: relative ones are `beside`, `none` is none at all."""
    return None if text == "none" else beside / text


def _database_url(text: str) -> str:
    wrong = mistake(text)
    if wrong:
        raise ValueError(wrong)
    return text


DatabaseUrl = Annotated[str, AfterValidator(_database_url), Secret(), Kind("secret")]


class StorageSection(Section):
    """Where the ledger is stored, so that it outlives restarts and Prometheus's retention.

    That is a folder, or a PostgreSQL database, which several daemons may share. At most one of
    `path`, `url` and `url_file` may be given.
    """

    path: Text = Field(
        default="ledger",
        description=(
            "Folder of the store, created if it does not exist; `none` to keep the "
            "ledger only in memory. `--storage.path` takes precedence."
        ),
        examples=["/var/lib/error-budget-exporter"],
    )
    url: DatabaseUrl | None = Field(
        default=None,
        description="A PostgreSQL database that takes its place; prefer a file.",
        examples=["postgresql://exporter:secret@db.example.com/slo"],
    )
    url_file: ReadableFile | None = Field(
        default=None,
        description="File that holds the URL; it is read again at every connection.",
        examples=["secrets/postgres"],
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        named = [key for key in ("path", "url", "url_file") if key in self.model_fields_set]
        if len(named) > 1:
            raise ValueError(f"takes one of path, url and url_file, not {' and '.join(named)}")
        return self

    def place(self, beside: Path) -> Place | None:
        """Where the store is, a relative folder being `beside` the file; None to store nothing."""
        if self.url is not None or self.url_file is not None:
            return PostgresSettings(self.url, self.url_file)
        return storage_folder(self.path, beside)
