"""The types of values that tell how a server is reached: URLs, files, headers, secrets.

What may be secret is in no message.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import pydantic_core
from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from exporter.config.errors import quoted
from exporter.config.types.fields import Kind, Secret, Text, not_blank, printable, surroundings
from exporter.config.unreadable import why
from exporter.prometheus.settings import OWN_PARAMS

_CLIENT_HEADERS = {"connection", "content-length", "content-type", "host", "transfer-encoding"}

_WORD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A token of RFC 9110, section 5.6.2."""


def _parts(text: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname
        pydantic_core.Url(text)
    except ValueError:
        valid = False
    if not valid or " " in text or not text.isprintable():
        raise ValueError(f"must be an http or https URL such as {example}")
    return parts


def _base_url(text: str) -> str:
    parts = _parts(text, "http://localhost:9090")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password: use basic_auth")
    if "?" in text or "#" in text:
        raise ValueError("must not contain ? or #: the exporter adds the query itself")
    if "/api/v1" in parts.path:
        raise ValueError("must be the base URL: the exporter adds /api/v1 itself")
    return text.rstrip("/")


def _token_url(text: str) -> str:
    parts = _parts(text, "https://sso.example.com/token")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password: use client_id and client_secret")
    return text


def _proxy_url(text: str) -> str:
    parts = _parts(text, "http://proxy.example.com:3128")
    if parts.path.strip("/") or "?" in text or "#" in text:
        raise ValueError("must end with the proxy's host and port")
    return text


def _no_proxy(text: str) -> str:
    for entry in text.split(","):
        if "/" in entry:
            try:
                ip_network(entry.strip(), strict=False)
            except ValueError as error:
                raise ValueError(f"{quoted(entry.strip())} is not a network: {error}") from error
    return text


def _file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str):
        raise ValueError("must be the path of a file")
    path = surroundings(info).folder / printable(not_blank(value))
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{quoted(str(path))} cannot be read: {why(path, error)}") from error
    return path


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a single word that HTTP can carry")
    return text


def _header_name(name: str) -> str:
    if not _WORD.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not the name of an HTTP header")
    if name.lower() == "authorization":
        raise ValueError("must be given as basic_auth, authorization or oauth2")
    if name.lower() in _CLIENT_HEADERS:
        raise ValueError("is set by the HTTP client itself")
    return name


def _header_value(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("must be printable ASCII on one line")
    return value


def _param_name(name: str) -> str:
    if name in OWN_PARAMS:
        raise ValueError("is set by the exporter itself")
    return name


def _pem(text: str) -> str:
    if not text.isascii() or "-----BEGIN " not in text:
        raise ValueError("must be PEM: lines from -----BEGIN ...----- to -----END ...-----")
    return text


Url = Annotated[str, AfterValidator(_base_url), Kind("URL")]
TokenUrl = Annotated[str, AfterValidator(_token_url), Kind("URL")]
ProxyUrl = Annotated[str, AfterValidator(_proxy_url), Secret(whole=False), Kind("URL")]
NoProxy = Annotated[Text, AfterValidator(_no_proxy), Kind("text")]
ReadableFile = Annotated[Path, BeforeValidator(_file), Kind("path of a file")]
HttpWord = Annotated[str, AfterValidator(_word), Kind("text")]
HeaderName = Annotated[str, AfterValidator(_header_name), Kind("header name")]
HeaderValue = Annotated[str, AfterValidator(_header_value), Kind("text")]
ParamName = Annotated[Text, AfterValidator(_param_name), Kind("name")]
HeaderSecret = Annotated[HeaderValue, Secret(), Kind("secret")]
SecretText = Annotated[str, Secret(), Kind("secret")]
Pem = Annotated[str, AfterValidator(_pem), Kind("PEM")]
SecretPem = Annotated[Pem, Secret(), Kind("secret")]
