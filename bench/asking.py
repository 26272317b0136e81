"""Asking a server for what rules would show."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.helpers.torture.receivers import Receiver
from tests.oracle import MINUTE

STEP = 5 * MINUTE


def ask(receiver: Receiver, query: str, start: int, end: int) -> list[float]:
    """The values of a query's only series, every five minutes."""
    form = urlencode({"query": query, "start": start, "end": end, "step": STEP}).encode()
    with urlopen(f"{receiver.url}/api/v1/query_range", data=form) as answer:
        result = json.load(answer)["data"]["result"]
    return [float(value) for _, value in result[0]["values"]] if result else []
