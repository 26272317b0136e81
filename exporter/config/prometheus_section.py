"""The `prometheus` section of the configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from exporter.config.fields import (
    DURATION,
    HeaderName,
    HeaderValue,
    ReadableFile,
    Text,
    Url,
    duration,
    wrong_parent,
)
from exporter.config.section import Section, exactly_one, given
from exporter.prometheus.settings import BasicAuth, PrometheusSettings, TlsSettings

_DEFAULTS = PrometheusSettings()


class BasicAuthSection(Section):
    """Basic authentication. Exactly one of `password` and `password_file` is needed."""

    username: Text = Field(description="User name.", examples=["exporter"])
    password: str | None = Field(
        default=None,
        description="Password in plain text; prefer a file.",
        examples=["secret"],
    )
    password_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="File that holds the password.",
        examples=["secrets/password"],
    )

    @field_validator("password_file")
    @classmethod
    def _one_password(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "password")
        return value

    def settings(self) -> BasicAuth:
        """What the client is given."""
        return BasicAuth(self.username, self.password, self.password_file)


class TlsSection(Section):
    """TLS towards Prometheus. `cert_file` and `key_file` belong together."""

    ca_file: ReadableFile | None = Field(
        default=None,
        description="Certificates to trust instead of the system's (PEM).",
        examples=["tls/ca.pem"],
    )
    cert_file: ReadableFile | None = Field(
        default=None, description="Client certificate (PEM).", examples=["tls/client.pem"]
    )
    key_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="Key of the client certificate (PEM).",
        examples=["tls/client.key"],
    )
    insecure_skip_verify: bool = Field(
        default=False, description="Accept any certificate of the server.", examples=["true"]
    )

    @field_validator("key_file")
    @classmethod
    def _both_or_none(cls, value: object, info: ValidationInfo) -> object:
        if (value is not None) != given(info, "cert_file"):
            wrong_parent("needs cert_file and key_file together, or neither")
        return value

    def settings(self) -> TlsSettings:
        """What the client is given."""
        return TlsSettings(**dict(self))


class PrometheusSection(Section):
    """Where Prometheus, or what speaks its query API, is found.

    Keys are spelled as Prometheus spells them. `basic_auth` and `bearer_token_file` exclude
    one another.
    """

    url: Url = Field(
        default=_DEFAULTS.url,
        description="Base URL, without `/api/v1`, user and password.",
        examples=["https://mimir.example.com/prometheus"],
    )
    timeout: Annotated[float, BeforeValidator(duration("100ms", "10m", whole=False)), DURATION] = (
        Field(
            default=_DEFAULTS.timeout,
            description="How long one query may take; 100ms to 10m.",
            examples=["1m"],
        )
    )
    scrape_interval: Annotated[int, BeforeValidator(duration("1s", "1h")), DURATION] = Field(
        default=_DEFAULTS.scrape_interval,
        description=(
            "The longest scrape interval of the series that SLOs count, whole seconds, 1s to "
            "1h: a counter is looked for over two of them, so that one failed scrape hides "
            "nothing."
        ),
        examples=["1m"],
    )
    basic_auth: BasicAuthSection | None = Field(default=None, description="Basic authentication.")
    bearer_token_file: ReadableFile | None = Field(
        default=None,
        description="File that holds a bearer token.",
        examples=["/var/run/secrets/token"],
    )
    tls_config: TlsSection = Field(default=TlsSection(), description="TLS towards Prometheus.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        description="HTTP headers to send with every query, such as the tenant.",
        examples=["{X-Scope-OrgID: team-a}"],
    )

    @field_validator("bearer_token_file")
    @classmethod
    def _one_way_in(cls, value: object, info: ValidationInfo) -> object:
        if given(info, "basic_auth"):
            raise ValueError("must not be combined with basic_auth: remove one of the two")
        return value

    def settings(self) -> PrometheusSettings:
        """What the client is given."""
        return PrometheusSettings(
            url=self.url,
            timeout=self.timeout,
            scrape_interval=self.scrape_interval,
            basic_auth=self.basic_auth.settings() if self.basic_auth else None,
            bearer_token_file=self.bearer_token_file,
            tls=self.tls_config.settings(),
            headers=self.headers,
        )
