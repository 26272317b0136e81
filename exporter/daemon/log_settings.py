"""What may be chosen for logs: apart from them, for the command line names it before it loads
anything large."""

from __future__ import annotations

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")
