"""Which shard this daemon is, and where the others are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from exporter.slo.sharding import ALONE, Shard

PLACE = "{shard}"
"""What stands for the number in a template."""

ELSEWHERE = "elsewhere"
"""The key of a request's scope that tells the gate why it can only say unknown, in words."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """Which shard this is, and how others are reached: `url_template` has PLACE for a number.

    Without a template they are not reached. `ca_file` has the authorities that their certificates
    are of, None for the system's.
    """

    shard: Shard = ALONE
    url_template: str | None = None
    ca_file: Path | None = None

    def url(self, number: int) -> str | None:
        """The address of a shard, without a slash at its end."""
        if self.url_template is None:
            return None
        return self.url_template.replace(PLACE, str(number)).rstrip("/")

    @property
    def own_host(self) -> str | None:
        """The name by which the others reach this one."""
        url = self.url(self.shard.number)
        return urlsplit(url).hostname if url else None


UNSHARDED = Sharding()


def is_template(text: str) -> bool:
    """Whether a text is a template of addresses."""
    try:
        parts = urlsplit(text.replace(PLACE, "0"))
        port = parts.port
    except ValueError:
        return False
    return (
        PLACE in text
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and not (parts.username or parts.password or parts.query or parts.fragment)
        and not any(each.isspace() or each in "{}" for each in text.replace(PLACE, ""))
    )
