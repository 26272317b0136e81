"""What is wrong with a request to the API."""

from __future__ import annotations

from exporter.errors import RequestError


class InvalidRequestError(RequestError):
    """A parameter or the body is not as it should be; the text says what is wrong."""
