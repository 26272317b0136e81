"""Asking a daemon's HTTP API from the command line."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from exporter.errors import ApiError
from exporter.version import user_agent

TIMEOUT = 15.0
"""Seconds for each part of a request."""

LONGEST = 60.0
"""Seconds for the whole of an answer."""

MOST_BYTES = 64 * 1024 * 1024
"""Of an answer, unpacked: what is longer is no daemon's. A page of 1,000 SLOs has some five."""

LONGEST_ERROR = 2_000
"""Characters of a daemon's own words that are told."""

DOCUMENTS = frozenset({"text/markdown", "text/html", "text/csv"})


class ElsewhereError(ApiError):
    """What was asked for is another shard's, to which the daemon cannot lead."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A whole answer; `kind` is its media type."""

    status: int
    kind: str
    body: bytes


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
    if answer.status != httpx.codes.OK or answer.kind not in DOCUMENTS:
        _data(server, answer)
        raise ApiError(f"{server} answered with {answer.kind or 'nothing'} in place of a document")
    return answer.body.decode(errors="replace")


def _answer(
    server: str,
    method: str,
    path: str,
    access: Access,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> _Answer:
    url = f"{server.rstrip('/')}/api/v1/{path}"
    auth = (
        httpx.BasicAuth(access.username, _secret(access.password_file)) if access.username else None
    )
    headers = {"User-Agent": user_agent()}
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
        with (
            httpx.Client(verify=verify, timeout=TIMEOUT, auth=auth, headers=headers) as client,
            client.stream(method, url, params=query, json=body) as found,
        ):
            return _whole(server, found)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApiError(f"{server} cannot be reached: {error or type(error).__name__}") from error


def _whole(server: str, found: httpx.Response) -> _Answer:
    """All of an answer, within bounds: whatever listens at an address may be asked by mistake."""
    body = bytearray()
    begun = time.monotonic()
    for chunk in found.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ApiError(f"{server} answers with more than {MOST_BYTES >> 20} MB")
        if time.monotonic() > begun + LONGEST:
            raise ApiError(f"{server} takes longer than {LONGEST:.0f}s for its answer")
    kind = found.headers.get("content-type", "").partition(";")[0]
    return _Answer(found.status_code, kind, bytes(body))


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError(f"{file} cannot be read: {error}") from error


def _data(server: str, answer: _Answer) -> dict[str, object]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        why, advice = found["error"][:LONGEST_ERROR], ""
        if answer.status == httpx.codes.UNAUTHORIZED:
            advice = " Give them by --username and --password-file."
        if answer.status == httpx.codes.MISDIRECTED_REQUEST:
            raise ElsewhereError(f"{server}: {why}")
        raise ApiError(f"{server}: {why}{advice}")
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        raise ApiError(
            f"{server} answered with status {answer.status}, but not in this API's format"
        )
    data: dict[str, object] = found["data"]
    return data
