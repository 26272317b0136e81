"""Who the exporter is to Prometheus: `basic_auth`, `authorization` and `oauth2`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from exporter.config.sections.tls_section import TlsSection
from exporter.config.types.connection_fields import (
    HeaderSecret,
    HttpWord,
    ProxyUrl,
    ReadableFile,
    SecretText,
    TokenUrl,
)
from exporter.config.types.fields import Kind, Text
from exporter.config.types.section import Section, exactly_one
from exporter.prometheus.settings import Authorization, BasicAuth, OAuth2, ProxySettings


class BasicAuthSection(Section):
    """Basic authentication. Exactly one of `password` and `password_file` is needed."""

    username: Text = Field(description="User name.", examples=["exporter"])
    password: SecretText | None = Field(
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


def _not_basic(word: str) -> str:
    if word.lower() == "basic":
        raise ValueError("must not be Basic: give user and password as basic_auth")
    return word


class AuthorizationSection(Section):
    """An Authorization header. Exactly one of `credentials` and `credentials_file` is needed."""

    type: Annotated[HttpWord, AfterValidator(_not_basic), Kind("text")] = Field(
        default=Authorization().type,
        description="What stands before the credentials in the header.",
        examples=["ApiKey"],
    )
    credentials: HeaderSecret | None = Field(
        default=None,
        description="Credentials in plain text, such as a token; prefer a file.",
        examples=["secret"],
    )
    credentials_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="File that holds the credentials.",
        examples=["secrets/token"],
    )

    @field_validator("credentials_file")
    @classmethod
    def _credentials_once(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "credentials")
        return value

    def settings(self) -> Authorization:
        """What the client is given."""
        return Authorization(**dict(self))


class OAuth2Section(Section):
    """Tokens by OAuth2's client credentials grant.

    Exactly one of `client_secret` and `client_secret_file` is needed. A token is kept until
    shortly before it expires, and renewed once when Prometheus refuses it.
    """

    client_id: Text = Field(description="The client's id.", examples=["exporter"])
    client_secret: SecretText | None = Field(
        default=None,
        description="The client's secret in plain text; prefer a file.",
        examples=["secret"],
    )
    client_secret_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="File that holds the client's secret.",
        examples=["secrets/oauth2"],
    )
    token_url: TokenUrl = Field(
        description="Where tokens are requested.", examples=["https://sso.example.com/token"]
    )
    scopes: list[Text] = Field(
        default=[], description="The scopes of the token.", examples=["[metrics:read]"]
    )
    endpoint_params: dict[Text, SecretText] = Field(
        default={},
        description="Further parameters of the request for a token.",
        examples=["{audience: prometheus}"],
    )
    tls_config: TlsSection = Field(
        default=TlsSection(), description="TLS towards the server that gives tokens."
    )
    proxy_url: ProxyUrl | None = Field(
        default=None,
        description="The proxy to use for it.",
        examples=["http://proxy.example.com:3128"],
    )

    @field_validator("client_secret_file")
    @classmethod
    def _one_secret(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "client_secret")
        return value

    def settings(self) -> OAuth2:
        """What the client is given."""
        return OAuth2(
            client_id=self.client_id,
            token_url=self.token_url,
            client_secret=self.client_secret,
            client_secret_file=self.client_secret_file,
            scopes=tuple(self.scopes),
            endpoint_params=self.endpoint_params,
            tls=self.tls_config.settings(),
            proxy=ProxySettings(url=self.proxy_url),
        )
