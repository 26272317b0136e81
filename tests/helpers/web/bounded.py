"""Pages and requests for the tests of what a client may take."""

from __future__ import annotations

from exporter.exposition.publisher import Form
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.serving import get

TEXT = Form(openmetrics=False, gzipped=False)

LARGE = snapshot(*[(subject(slo(name=f"slo-{i}")), (1.0, 1e6, 1.0)) for i in range(3_000)])
"""What makes a page that no socket buffer takes in."""


def post(*headers: str, body: str = "") -> bytes:
    return get("/-/reload", *headers, method="POST", body=body)
