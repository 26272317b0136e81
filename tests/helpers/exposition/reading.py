"""Reading the metrics page back, with prometheus_client's own parsers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.exposition.publisher import Form, Publisher
from exporter.exposition.selection import EVERYTHING, Selection
from exporter.slo.snapshot import Snapshot

FORMS = [Form(openmetrics=False, gzipped=False), Form(openmetrics=True, gzipped=False)]
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

OWN = ("service", "slo")


def render(
    of: Snapshot,
    registry: CollectorRegistry,
    form: Form = FORMS[0],
    selection: Selection = EVERYTHING,
) -> bytes:
    """The page of a snapshot."""
    publisher = Publisher(registry, selection)
    publisher.publish(of)
    return publisher.page(form)


def text(of: Snapshot, form: Form = FORMS[0]) -> str:
    return render(of, CollectorRegistry(), form).decode()


def families(of: Snapshot, form: Form = FORMS[0]) -> dict[str, tuple[str, Series]]:
    """Each family's type and samples, as prometheus_client's own parsers read them."""
    read = read_openmetrics if form.openmetrics else read_text
    found: dict[str, tuple[str, Series]] = {}
    for family in read(text(of, form)):
        samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for sample in family.samples
        }
        assert len(samples) == len(family.samples), "no series is there twice"
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, samples)
    return found


def values(of: Snapshot, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """A family's values of the series with these labels, by the values of the further ones."""
    _, samples = families(of)[name]
    return {
        tuple(value for key, value in sorted(of_series) if key not in (*OWN, *labels)): number
        for (_, of_series), number in samples.items()
        if labels.items() <= dict(of_series).items()
    }
