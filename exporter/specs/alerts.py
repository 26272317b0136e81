"""What specs say of alerts, as our `alerting`."""

from __future__ import annotations

from exporter.specs.node import Node, Remarks, Section


def sloth_alerting(
    slo: Node, silent: Node | None, windows: list[Node], remarks: Remarks
) -> Section | None:
    """The `alerting` of a Sloth SLO."""
    del slo, silent, windows, remarks
    return None
