"""Structured logs on stderr, of this program and of the libraries it uses."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress

import structlog
from structlog.typing import Processor

from exporter.daemon.log_bounds import LogBounds


class _Logger(structlog.PrintLogger):
    """Leaves out what cannot be written: a full disk under the log must not end the daemon."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def configure(level: str, form: str) -> None:
    """Set up logging for the process: by what `log_settings` offers."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: Sequence[Processor] = (
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.EventRenamer("msg"),
    )
    last: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=("ts", "level", "msg"))
    )
    bounds = LogBounds()
    structlog.configure(
        processors=[bounds, *shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Logger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(bounds)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    # Libraries log every request at info; their warnings are what an operator needs.
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
