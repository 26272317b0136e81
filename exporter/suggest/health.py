"""Which routes are no work for users: health checks, metrics. Pure."""

from __future__ import annotations

import re

CHECKS = (
    r"/(?:.*/)?(?:-/)?(?:health(?:z|y|_?-?checks?)?|ready(?:z)?|readiness|livez|liveness|"
    r"heartbeat)(?:/.*)?",
    r"/(?:ping|live|metrics|favicon\.ico)",
    r"/(?:.*/)?actuator(?:/.*)?",
    r"/?grpc\.(?:health|reflection)\..*",
)
"""Paths, and gRPC services, of health checks and of monitoring itself. Short words such as `live`
are health checks at the top alone: further down they may be somebody's product."""

PATTERN = "|".join(CHECKS).replace("(?:", "(")
"""As PromQL has it."""

_COMPILED = re.compile("|".join(CHECKS))


def is_check(route: str) -> bool:
    """Whether a route is a health check."""
    return _COMPILED.fullmatch(route) is not None
