"""The `prometheus` section of the configuration file, and each of `datasources`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from exporter.config.sections.auth_sections import (
    AuthorizationSection,
    BasicAuthSection,
    OAuth2Section,
)
from exporter.config.sections.tls_section import TlsSection
from exporter.config.types.connection_fields import (
    HeaderName,
    HeaderSecret,
    NoProxy,
    ParamName,
    ProxyUrl,
    ReadableFile,
    Url,
)
from exporter.config.types.fields import DURATION, duration
from exporter.config.types.section import Section, given, not_with
from exporter.prometheus.settings import (
    Authorization,
    BasicAuth,
    OAuth2,
    PrometheusSettings,
    ProxySettings,
)

_DEFAULTS = PrometheusSettings()


class PrometheusSection(Section):
    """Where Prometheus, or another server with its query API, is.

    Keys are spelled as Prometheus spells them. `basic_auth`, `authorization`,
    `bearer_token_file` and `oauth2` exclude one another. Files with secrets are read again when
    they change.
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
            "The scrape interval of the series that SLOs count, whole seconds, 1s to 1h. It may be "
            "left out: longer intervals are measured from the samples of the last two hours. A "
            "counter is searched over two of them, so that one failed scrape hides nothing."
        ),
        examples=["1m"],
    )
    basic_auth: BasicAuthSection | None = Field(default=None, description="Basic authentication.")
    authorization: AuthorizationSection | None = Field(
        default=None, description="An Authorization header of another type."
    )
    bearer_token_file: ReadableFile | None = Field(
        default=None,
        description="File that holds a bearer token; short for `authorization`.",
        examples=["/var/run/secrets/token"],
    )
    oauth2: OAuth2Section | None = Field(
        default=None, description="Tokens by OAuth2's client credentials grant."
    )
    tls_config: TlsSection = Field(default=TlsSection(), description="TLS towards Prometheus.")
    headers: dict[HeaderName, HeaderSecret] = Field(
        default={},
        description="HTTP headers sent with every query, such as the tenant.",
        examples=["{X-Scope-OrgID: team-a}"],
    )
    params: dict[ParamName, str] = Field(
        default={},
        description=(
            "Parameters to send with every query, besides or in place of `partial_response=false`, "
            "`deny_partial_response=1`, `nocache=1` and `latency_offset=1ms`. They are shown with "
            "the configuration: put secrets into `headers`."
        ),
        examples=["{max_source_resolution: 0s}"],
    )
    proxy_url: ProxyUrl | None = Field(
        default=None,
        description="The HTTP proxy to use, with user and password if it needs them.",
        examples=["http://proxy.example.com:3128"],
    )
    no_proxy: NoProxy | None = Field(
        default=None,
        description=(
            "What is reached without `proxy_url`, separated by commas: host names (with "
            "their subdomains), addresses, networks such as `10.0.0.0/8`, or `*`."
        ),
        examples=["localhost,.example.com,10.0.0.0/8"],
    )
    proxy_from_environment: bool = Field(
        default=False,
        description=(
            "Take the proxy from the variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; "
            "otherwise they are ignored."
        ),
        examples=["true"],
    )
    follow_redirects: bool = Field(
        default=_DEFAULTS.follow_redirects,
        description=(
            "Whether to follow redirects; not possible with credentials, `headers` or a "
            "client certificate, which are for `url` alone."
        ),
        examples=["true"],
    )
    external_url: Url | None = Field(
        default=None,
        description="Its address for browsers, if that is not `url`: the pages link to it.",
        examples=["https://prometheus.example.com"],
    )

    @field_validator("authorization", "bearer_token_file", "oauth2")
    @classmethod
    def _one_way_in(cls, value: object, info: ValidationInfo) -> object:
        before = ("basic_auth", "authorization", "bearer_token_file")
        return not_with(value, info, *before)

    @field_validator("no_proxy")
    @classmethod
    def _of_proxy_url(cls, value: object, info: ValidationInfo) -> object:
        if not given(info, "proxy_url"):
            raise ValueError("needs proxy_url: without it there is no proxy")
        return value

    @field_validator("proxy_from_environment")
    @classmethod
    def _one_proxy(cls, value: bool, info: ValidationInfo) -> bool:
        if value:
            not_with(value, info, "proxy_url")
        return value

    @field_validator("follow_redirects")
    @classmethod
    def _nothing_to_lose(cls, value: bool, info: ValidationInfo) -> bool:
        held = ("basic_auth", "authorization", "bearer_token_file", "oauth2")
        tls, headers = info.data.get("tls_config"), info.data.get("headers")
        if value:
            not_with(value, info, *held)
            if headers or (isinstance(tls, TlsSection) and tls.settings().presents_certificate):
                what = "headers" if headers else "a client certificate"
                raise ValueError(f"must not be combined with {what}: remove one of the two")
        return value

    def settings(self) -> PrometheusSettings:
        """What the client is given."""
        return PrometheusSettings(
            url=self.url,
            timeout=self.timeout,
            scrape_interval=self.scrape_interval,
            credentials=self._credentials(),
            tls=self.tls_config.settings(),
            headers=self.headers,
            params=self.params,
            proxy=ProxySettings(self.proxy_url, self.no_proxy or "", self.proxy_from_environment),
            follow_redirects=self.follow_redirects,
            external_url=self.external_url,
        )

    def _credentials(self) -> BasicAuth | Authorization | OAuth2 | None:
        if self.bearer_token_file is not None:
            return Authorization(credentials_file=self.bearer_token_file)
        found = self.basic_auth or self.authorization or self.oauth2
        return None if found is None else found.settings()
