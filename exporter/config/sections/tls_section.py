"""`tls_config` of the configuration file: TLS towards a server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from exporter.config.types.connection_fields import Pem, ReadableFile, SecretPem
from exporter.config.types.fields import Kind, Text, one_of, wrong_parent
from exporter.config.types.section import Section, given, not_with
from exporter.prometheus.settings import TlsSettings

_DEFAULTS = TlsSettings()


class TlsSection(Section):
    """TLS towards a server. A client certificate needs its key. Files are the usual way.

    Files that change are read again, without a restart.
    """

    ca: Pem | None = Field(
        default=None,
        description="Certificates to trust instead of the system's (PEM), in place.",
        examples=["-----BEGIN CERTIFICATE----- ..."],
    )
    ca_file: ReadableFile | None = Field(
        default=None,
        description="Certificates to trust instead of the system's (PEM).",
        examples=["tls/ca.pem"],
    )
    cert: Pem | None = Field(
        default=None,
        description="Client certificate (PEM), in place.",
        examples=["-----BEGIN CERTIFICATE----- ..."],
    )
    cert_file: ReadableFile | None = Field(
        default=None, description="Client certificate (PEM).", examples=["tls/client.pem"]
    )
    key: SecretPem | None = Field(
        default=None,
        description="Key of the client certificate (PEM, not encrypted), in place; prefer a file.",
        examples=["-----BEGIN PRIVATE KEY----- ..."],
    )
    key_file: ReadableFile | None = Field(
        default=None,
        validate_default=True,
        description="Key of the client certificate (PEM, not encrypted).",
        examples=["tls/client.key"],
    )
    server_name: Text | None = Field(
        default=None,
        description="The name in the server's certificate, where it is not the URL's.",
        examples=["prometheus.internal"],
    )
    insecure_skip_verify: bool = Field(
        default=_DEFAULTS.insecure_skip_verify,
        description="Accept any certificate of the server.",
        examples=["true"],
    )
    min_version: Annotated[
        str, PlainValidator(one_of({"TLS12": None, "TLS13": None})), Kind("version")
    ] = Field(
        default=_DEFAULTS.min_version,
        description="The oldest version of TLS to speak: `TLS12` or `TLS13`.",
        examples=["TLS13"],
    )

    @field_validator("ca_file")
    @classmethod
    def _one_ca(cls, value: object, info: ValidationInfo) -> object:
        return not_with(value, info, "ca")

    @field_validator("cert_file")
    @classmethod
    def _one_certificate(cls, value: object, info: ValidationInfo) -> object:
        return not_with(value, info, "cert")

    @field_validator("key_file")
    @classmethod
    def _one_key_and_its_certificate(cls, value: object, info: ValidationInfo) -> object:
        not_with(value, info, "key")
        certificate = given(info, "cert") or given(info, "cert_file")
        if certificate != (value is not None or given(info, "key")):
            wrong_parent("needs a client certificate and its key together, or neither")
        return value

    def settings(self) -> TlsSettings:
        """What the client is given."""
        return TlsSettings(**dict(self))
