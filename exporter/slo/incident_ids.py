"""What an incident is called: the same on every replica, and short enough to type."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def incident_id(service: str, slo: str, groups: Mapping[str, str], start: int) -> str:
    """Eight digits for the incident of an SLO that began at `start` (Unix seconds)."""
    text = json.dumps([service, slo, sorted(groups.items()), start])
    return hashlib.sha256(text.encode()).hexdigest()[:8]
