"""Times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click


class Moment(click.ParamType[float]):
    """A time: ISO 8601, in UTC unless it says otherwise, or Unix seconds. Gives Unix seconds."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            if text.replace(".", "", 1).isdigit():
                return float(text)
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is not a time: write 2026-10-03T14:05Z, 2026-10-03T16:05+02:00, "
                "or Unix seconds",
                param,
                ctx,
            )
