"""Style and script of the pages, under the hash of their content, so that browsers keep them."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
"""For a request that names the hash of the content."""


class Assets(StaticFiles):
    """The files of `static/`."""

    def __init__(self) -> None:
        super().__init__(packages=[("exporter.web.pages", "static")])
        folder = files("exporter.web.pages").joinpath("static")
        self._digests = {
            file.name: sha256(file.read_bytes()).hexdigest()[:16] for file in folder.iterdir()
        }

    def url(self, name: str) -> str:
        """Where a page finds a file as it is now."""
        return f"/static/{name}?v={self._digests[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, which a browser may keep if it asked for this version of it."""
        response = await super().get_response(path, scope)
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("v")
        current = asked is not None and asked == self._digests.get(path)
        response.headers["Cache-Control"] = FOR_EVER if current else "no-cache"
        return response
