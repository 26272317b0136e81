"""All specs of all files at once: objects refer to one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from exporter import marked
from exporter.specs import openslo, pyrra, sloth
from exporter.specs.node import Node, Remark, Remarks, SpecError
from exporter.specs.openslo_library import Library
from exporter.specs.options import Options
from exporter.specs.recognition import KINDS, OPENSLO, PYRRA, SLOTH, VERSIONS, Found

Translate = Callable[[Found, Remarks], Iterator[tuple[marked.Mapping, Node]]]
"""Gives the SLOs of an object, each with the node that it comes from."""


@dataclass(slots=True)
class Translation:
    """What the objects of a document mean: entries of our `slos`, and what is to be said."""

    slos: marked.Sequence = field(default_factory=marked.Sequence)
    remarks: list[Remark] = field(default_factory=list)


def translate(documents: Sequence[Sequence[Found]], options: Options) -> list[Translation]:
    """Translate documents, each given by its objects; the answer is in their order."""
    every = [found for document in documents for found in document]
    of_sloth = partial(sloth.translate, context=sloth.Context(sloth.find_windows(every), options))
    library = Library.of(every, options)
    tools: dict[str, Translate] = {
        SLOTH: lambda found, remarks: of_sloth(found, remarks=remarks),
        PYRRA: lambda found, remarks: pyrra.translate(found, options, remarks),
        OPENSLO: lambda found, remarks: openslo.translate(found, library, remarks),
    }
    return [_document(document, tools) for document in documents]


def _document(document: Iterable[Found], tools: dict[str, Translate]) -> Translation:
    translation = Translation()
    remarks = Remarks(translation.remarks)
    passed: dict[str, Node] = {}
    for found in document:
        if found.tool is None:
            passed.setdefault(found.kind, found.node)
            continue
        wrong = _unknown(found)
        if wrong:
            translation.remarks.append(wrong)
            continue
        try:
            for slo, node in tools[found.tool](found, remarks):
                translation.slos.add(slo, node.line, node.place)
        except SpecError as refused:
            translation.remarks.append(refused.remark)
    for kind, node in passed.items():
        remarks.say(node, f"is {kind}, no SLO: it is passed over", once=True)
    return translation


def _unknown(found: Found) -> Remark | None:
    """That a tool has another version or kind than those that are known here."""
    tool = str(found.tool)
    for key, given, known in (
        ("apiVersion", found.version, VERSIONS[tool]),
        ("kind", found.kind, KINDS[tool]),
    ):
        if given not in known:
            node = found.node.get(key) or found.node.get("version") or found.node
            words = ", ".join(filter(None, known))
            if not given:
                return Remark(found.node, f"needs {key}, one of {words}", is_mistake=True)
            return Remark(node, f"is not known of {tool}: known are {words}", is_mistake=True)
    return None
