"""Asking a daemon's HTTP API from the command line."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from exporter.errors import ApiError

TIMEOUT = 15.0
"""Seconds for each part of a request."""

DOCUMENTS = frozenset({"text/markdown", "text/html", "text/csv"})


class ElsewhereError(ApiError):
    """What was asked for is another shard's, to which the daemon cannot lead."""


@dataclass(frozen=True, slots=True)
class Access:
    """How daemons are asked: who we are, and which authority their certificates are of.

    Secrets are in files, for command lines are seen by others.
    """

    username: str | None = None
    password_file: Path | None = None
    bearer_token_file: Path | None = None
    ca_file: Path | None = None


def ask(
    server: str,
    method: str,
    path: str,
    access: Access,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Ask a daemon; the data of its answer.

    Args:
        server: its address, `http://...` or `https://...`.
        method: of HTTP.
        path: behind `/api/v1/`.
        access: how.
        query: what stands behind the question mark.
        body: what is sent, as JSON.

    Raises:
        ApiError: it cannot be reached, refuses, or answers something else.
    """
    return _data(server, _answer(server, method, path, access, query=query, body=body))


def ask_text(server: str, path: str, access: Access, query: Mapping[str, str]) -> str:
    """Ask a daemon for a document; its text. The arguments are those of `ask`.

    Raises:
        ApiError: it cannot be reached, refuses, or knows no such documents.
    """
    answer = _answer(server, "GET", path, access, query=query)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code != httpx.codes.OK or kind not in DOCUMENTS:
        _data(server, answer)
        raise ApiError(f"{server} answered with {kind or 'nothing'} in place of a document")
    return answer.text


def _answer(
    server: str,
    method: str,
    path: str,
    access: Access,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> httpx.Response:
    url = f"{server.rstrip('/')}/api/v1/{path}"
    auth = (
        httpx.BasicAuth(access.username, _secret(access.password_file)) if access.username else None
    )
    headers = {}
    if access.bearer_token_file:
        token = _secret(access.bearer_token_file)
        if not (token and token.isascii() and token.isprintable()):
            raise ApiError(f"{access.bearer_token_file} must hold a token on one line")
        headers["Authorization"] = f"Bearer {token}"
    try:
        verify = ssl.create_default_context(cafile=access.ca_file)
    except OSError as error:
        raise ApiError(f"{access.ca_file} cannot be used: {error}") from error
    try:
        with httpx.Client(verify=verify, timeout=TIMEOUT, auth=auth, headers=headers) as client:
            return client.request(method, url, params=query, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApiError(f"{server} cannot be reached: {error or type(error).__name__}") from error


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError(f"{file} cannot be read: {error}") from error


def _data(server: str, answer: httpx.Response) -> dict[str, object]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        advice = ""
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            advice = " Give them by --username and --password-file."
        if answer.status_code == httpx.codes.MISDIRECTED_REQUEST:
            raise ElsewhereError(f"{server}: {found['error']}")
        raise ApiError(f"{server}: {found['error']}{advice}")
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        raise ApiError(
            f"{server} answered with status {answer.status_code}, but not in this API's format"
        )
    data: dict[str, object] = found["data"]
    return data
