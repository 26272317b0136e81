"""Style and script of the pages, named by what is in them, so that browsers keep them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

FOR_EVER = "public, max-age=31536000, immutable"
"""For what is asked for by the hash of its content."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of `static/`."""

    content: bytes
    media_type: str
    digest: str


class Assets:
    """The files of `static/`."""

    def __init__(self) -> None:
        self._held = {
            file.name: Asset(
                content := file.read_bytes(),
                TYPES[file.name.rpartition(".")[2]],
                sha256(content).hexdigest()[:16],
            )
            for file in files("exporter.web.pages").joinpath("static").iterdir()
        }

    def url(self, name: str) -> str:
        """Where a page finds a file as it is now."""
        return f"/static/{name}?v={self._held[name].digest}"

    def answer(self, request: Request) -> Response:
        """A file, or that the browser has it already.

        Raises:
            HTTPException: there is no such file.
        """
        asset = self._held.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        tag = f'"{asset.digest}"'
        known = request.query_params.get("v") == asset.digest
        headers = {"ETag": tag, "Cache-Control": FOR_EVER if known else "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)
