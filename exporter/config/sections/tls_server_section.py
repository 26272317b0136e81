"""The `tls_server_config` section of the web configuration, by the toolkit's (Go's) names."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, field_validator

from exporter.config.types.connection_fields import ReadableFile
from exporter.config.types.fields import Kind, Text, no_doubles, one_of
from exporter.config.types.section import Section
from exporter.web.server.settings import TlsSettings

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # asks, but lets in whatever comes: nothing depends on it
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

_CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Go's names of the suites of TLS 1.2 that its `tls.CipherSuites` lists, and OpenSSL's names."""

_CIPHERS_13 = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
"""Those of TLS 1.3: as in Go they may be listed, and are always on."""

_CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}


def _client_auth(value: object) -> str:
    if value in {"RequireAnyClientCert", "RequireClientCert"}:
        raise ValueError(
            f"{value} accepts every certificate and protects nothing: "
            "use RequireAndVerifyClientCert with client_ca_file"
        )
    return one_of(dict.fromkeys(_CLIENT_AUTH))(value)


def _version(value: object) -> str:
    if value in {"TLS10", "TLS11"}:
        raise ValueError(f"{value} is broken (RFC 8996) and not served: use TLS12 or TLS13")
    return one_of(dict.fromkeys(_VERSIONS))(value)


ClientAuth = Annotated[str, PlainValidator(_client_auth), Kind("client auth type")]
TlsVersion = Annotated[str, PlainValidator(_version), Kind("`TLS12` or `TLS13`")]
Cipher = Annotated[
    str,
    PlainValidator(one_of(dict.fromkeys((*_CIPHERS_13, *_CIPHERS)))),
    Kind("cipher suite"),
]
Curve = Annotated[str, PlainValidator(one_of(dict.fromkeys(_CURVES))), Kind("curve")]


class TlsServerSection(Section):
    """TLS. The files are read again when they change."""

    cert_file: ReadableFile = Field(
        description="Certificate of the server, with those between it and its CA (PEM).",
        examples=["tls/server.pem"],
    )
    key_file: ReadableFile = Field(
        description="Its key, not encrypted (PEM).", examples=["tls/server.key"]
    )
    client_auth_type: ClientAuth = Field(
        default="NoClientCert",
        description=(
            "Whether clients need a certificate: `NoClientCert`, `RequestClientCert` (the same: "
            "nothing would depend on it), `VerifyClientCertIfGiven` or "
            "`RequireAndVerifyClientCert`."
        ),
        examples=["RequireAndVerifyClientCert"],
    )
    client_ca_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="CA whose client certificates are let in (PEM).",
        examples=["tls/clients.pem"],
    )
    client_allowed_sans: Annotated[list[Text], AfterValidator(no_doubles)] = Field(
        default=[],
        description="Names of which a client's certificate must have one.",
        examples=["[prometheus.example.com]"],
    )
    min_version: TlsVersion = Field(
        default="TLS12", description="Lowest version of TLS.", examples=["TLS13"]
    )
    max_version: TlsVersion = Field(
        default="TLS13", description="Highest version of TLS.", examples=["TLS12"]
    )
    cipher_suites: Annotated[list[Cipher], AfterValidator(no_doubles)] = Field(
        default=[],
        description="Suites of TLS 1.2 by Go's names, best first; OpenSSL's own if empty.",
        examples=["[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"],
    )
    prefer_server_cipher_suites: bool = Field(
        default=True,
        description="Whether the order of the server counts rather than the client's.",
        examples=["false"],
    )
    curve_preferences: list[Curve] = Field(
        default=[],
        description=(
            "The curve for key exchange: `CurveP256`, `CurveP384`, `CurveP521` or `X25519`; "
            "OpenSSL's own choice if empty."
        ),
        examples=["[X25519]"],
    )

    @field_validator("client_ca_file")
    @classmethod
    def _if_it_is_used(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        kind = info.data.get("client_auth_type")
        if value is None and kind in _VERIFYING:
            raise ValueError(f"is required by client_auth_type {kind}")
        if value is not None and kind == "NoClientCert":
            raise ValueError(f"needs a client_auth_type, such as {_VERIFYING[-1]}")
        return value

    @field_validator("client_allowed_sans")
    @classmethod
    def _of_verified_ones(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and info.data.get("client_auth_type", _VERIFYING[-1]) != _VERIFYING[-1]:
            raise ValueError(f"needs client_auth_type {_VERIFYING[-1]}")
        return value

    @field_validator("max_version")
    @classmethod
    def _not_below(cls, value: str, info: ValidationInfo) -> str:
        if value < info.data.get("min_version", value):
            raise ValueError(f"must not be below min_version ({info.data['min_version']})")
        return value

    @field_validator("cipher_suites")
    @classmethod
    def _one_of_tls_12(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if info.data.get("min_version") == "TLS12" and value and not set(value) & _CIPHERS.keys():
            raise ValueError(
                "has only suites of TLS 1.3, which are always on: "
                "name one of TLS 1.2, or set min_version to TLS13"
            )
        return value

    @field_validator("curve_preferences")
    @classmethod
    def _one_curve(cls, value: list[str]) -> list[str]:
        if len(value) > 1:
            raise ValueError("must name one curve: an order of several is not supported")
        return value

    def settings(self) -> TlsSettings:
        """What the server is given."""
        return TlsSettings(
            cert_file=self.cert_file,
            key_file=self.key_file,
            client_auth=_CLIENT_AUTH[self.client_auth_type],
            client_ca_file=self.client_ca_file,
            client_allowed_sans=tuple(self.client_allowed_sans),
            min_version=_VERSIONS[self.min_version],
            max_version=_VERSIONS[self.max_version],
            ciphers=tuple(_CIPHERS[name] for name in self.cipher_suites if name in _CIPHERS),
            prefer_server_ciphers=self.prefer_server_cipher_suites,
            curve=next((_CURVES[name] for name in self.curve_preferences), None),
        )
