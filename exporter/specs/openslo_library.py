"""The objects of OpenSLO in all files, which refer to one another by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.marked import Mapping, Sequence
from exporter.specs.node import Node, Remarks, SpecError
from exporter.specs.options import Options
from exporter.specs.recognition import OPENSLO, Found

PROMQL = {"prometheus", "thanos", "mimir", "cortex", "victoriametrics", "sloth", "amp"}
"""Types of sources that answer PromQL, without spaces and dashes."""


@dataclass(slots=True)
class Library:
    """Objects by kind and name, and the sources that metrics name."""

    options: Options
    objects: dict[tuple[str, str], Node] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, found: Iterable[Found], options: Options) -> Library:
        """The library of all files' objects."""
        library = cls(options)
        for each in found:
            if each.tool == OPENSLO and isinstance(each.node.value, Mapping):
                metadata = each.node.value.get("metadata")
                name = metadata.get("name") if isinstance(metadata, Mapping) else None
                if isinstance(name, str):
                    library.objects.setdefault((each.kind, name), each.node)
                _collect(each.node.value, library.sources)
        return library

    def referred(self, kind: str, reference: Node) -> Node:
        """The object that a name refers to.

        Raises:
            SpecError: no file has it.
        """
        found = self.objects.get((kind, reference.text))
        if found is None:
            names = sorted(name for each, name in self.objects if each == kind)
            known = f"there are {', '.join(names[:10])}" if names else "there is none"
            raise SpecError(reference, f"names no {kind} of any file: {known}")
        return found

    def datasource(self, source: Node, remarks: Remarks) -> Node | None:
        """The reference that names a datasource of ours; None for the section `prometheus`.

        Raises:
            SpecError: the source does not answer PromQL, or nobody says where it is.
        """
        reference, kind = source.get("metricSourceRef"), source.get("type")
        if reference and kind is None and ("DataSource", reference.text) in self.objects:
            kind = self.referred("DataSource", reference).at("spec", "type")
        if kind:
            check_type(kind)
        if reference is None or reference.text == "prometheus":
            return None
        if reference.text in self.options.datasources:
            return reference
        if self.options.datasources or len(self.sources) > 1:
            raise SpecError(
                reference,
                f"is no datasource of the configuration: write datasources: {{{reference.text}: "
                "{url: ...}}",
            )
        remarks.say(
            reference,
            f"{reference.text} is taken for the section prometheus, as it is the only source: if "
            f"it is another server, write datasources: {{{reference.text}: {{url: ...}}}}",
            once=True,
        )
        return None


def check_type(kind: Node) -> None:
    """Refuse a source that does not answer PromQL."""
    if kind.text.lower().replace("-", "").replace(" ", "").replace("_", "") not in PROMQL:
        raise SpecError(kind, "does not answer PromQL: the exporter reads Prometheus alone")


def _collect(value: object, found: set[str]) -> None:
    if isinstance(value, Mapping):
        reference = value.get("metricSourceRef")
        if isinstance(reference, str):
            found.add(reference)
        for each in value.values():
            _collect(each, found)
    elif isinstance(value, Sequence):
        for each in value:
            _collect(each, found)
