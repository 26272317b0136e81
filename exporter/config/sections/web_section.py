"""The file that `--web.config.file` names: the format of the Prometheus exporter toolkit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    create_model,
    field_validator,
)

from exporter.config.errors import quoted
from exporter.config.sections.tls_server_section import TlsServerSection
from exporter.config.types.connection_fields import HeaderValue
from exporter.config.types.fields import (
    DURATION,
    Kind,
    Text,
    duration,
    one_of,
)
from exporter.config.types.section import Section
from exporter.web.server.settings import RateLimit, WebSettings

_MAX_COST = 16
"""bcrypt's cost: one more doubles the time; at 16 a password takes some seconds of a core."""

_NOSNIFF = Annotated[str, PlainValidator(one_of({"nosniff": None})), Kind("`nosniff`")]
_FRAMES = Annotated[
    str,
    PlainValidator(one_of({"deny": None, "sameorigin": None})),
    Kind("`deny` or `sameorigin`"),
]

_HEADERS: dict[str, tuple[Any, str, str]] = {
    "Strict-Transport-Security": (
        HeaderValue,
        "Browsers use HTTPS alone from then on, for the whole host.",
        "max-age=31536000",
    ),
    "X-Content-Type-Options": (_NOSNIFF, "Sent in any case.", "nosniff"),
    "X-Frame-Options": (_FRAMES, "Who may frame a page; nobody by default.", "sameorigin"),
    "X-XSS-Protection": (HeaderValue, "What old browsers do about scripts in URLs.", "0"),
    "Content-Security-Policy": (
        HeaderValue,
        "What a page may load, in place of the exporter's own strict policy.",
        "default-src 'self'",
    ),
}
"""Type, meaning and example of the headers that the toolkit allows."""


def _user(name: str) -> str:
    if ":" in name:
        raise ValueError(f"{quoted(name)} is not a user name: basic authentication allows no colon")
    return name


def _bcrypt(value: object) -> str:
    # The value is a secret: it appears in no message.
    match = isinstance(value, str) and re.fullmatch(
        r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}", value, re.ASCII
    )
    if not match:
        raise ValueError("must be a bcrypt hash, as `htpasswd -nBC 10 USER` makes one")
    if not 4 <= int(match[1]) <= _MAX_COST:
        raise ValueError(f"must have a cost of at least 4 and at most {_MAX_COST}, not {match[1]}")
    return str(value)


def _pause(value: object) -> object:
    return 0.0 if value == "0" else duration("0s", "1h", whole=False)(value)


User = Annotated[Text, AfterValidator(_user), Kind("user name")]
BcryptHash = Annotated[str, PlainValidator(_bcrypt), Kind("bcrypt hash")]

_header_fields: dict[str, Any] = {
    name: (kind | None, Field(default=None, description=meaning, examples=[example]))
    for name, (kind, meaning, example) in _HEADERS.items()
}
HeadersSection: type[Section] = create_model(
    "HeadersSection",
    __base__=Section,
    __doc__="Headers of every answer; others than these cannot be set.",
    **_header_fields,
)


class HttpServerSection(Section):
    """How HTTP is spoken."""

    http2: bool = Field(
        default=True,
        description="Accepted for the toolkit's sake; HTTP/1.1 alone is served.",
        examples=["false"],
    )
    headers: HeadersSection = Field(  # type: ignore[valid-type]  # made of names that Python has not
        default=HeadersSection(), description="Headers of every answer."
    )


class RateLimitSection(Section):
    """A token bucket for all requests together; what comes in excess is answered 429."""

    interval: Annotated[float, BeforeValidator(_pause), DURATION] = Field(
        default=0.0,
        description="Time in which one more request is allowed, at most 1h; 0 for no limit.",
        examples=["100ms"],
    )
    burst: Annotated[int, Field(ge=0)] = Field(
        default=0,
        validate_default=True,
        description="Requests that may come at once.",
        examples=["20"],
    )

    @field_validator("burst")
    @classmethod
    def _some(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("interval") and not value:
            raise ValueError("must be at least 1, or no request is answered")
        return value

    def settings(self) -> RateLimit | None:
        """What the server is given."""
        return RateLimit(self.interval, self.burst) if self.interval else None


class WebFile(Section):
    """Every section may be left out, but an empty file is a mistake.

    Relative paths start at the folder of the file.
    """

    tls_server_config: TlsServerSection | None = Field(
        default=None, description="TLS; without it HTTP is served."
    )
    http_server_config: HttpServerSection = Field(
        default=HttpServerSection(), description="How HTTP is spoken."
    )
    basic_auth_users: dict[User, BcryptHash] = Field(
        default={},
        repr=False,
        description="Users and the bcrypt hashes of their passwords.",
        examples=["{prometheus: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG}"],
    )
    rate_limit: RateLimitSection = Field(
        default=RateLimitSection(), description="How many requests are answered."
    )

    def settings(self, file: Path) -> WebSettings:
        """What the server is given; `file` is where it was read."""
        headers: dict[str, str | None] = dict(self.http_server_config.headers)
        return WebSettings(
            file=file,
            tls=self.tls_server_config.settings() if self.tls_server_config else None,
            headers={name: value for name, value in headers.items() if value},
            users=dict(self.basic_auth_users),
            rate_limit=self.rate_limit.settings(),
        )
