"""Errors that a store of any kind may raise."""

from __future__ import annotations

from exporter.errors import StoreError


class StoreLostError(StoreError):
    """What was stored is gone: everything that is known has to be stored again."""
