"""The fields of a format: what becomes of each, and which of a spec are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from exporter import marked
from exporter.specs.node import Node, Remarks


@dataclass(frozen=True, slots=True)
class Field:
    """What becomes of a field: `becomes` for the documentation, `remark` where it is given.

    A `remark` says what is left out and what that changes, `once` for a file, and not of values
    that change nothing (`unless`). `free` fields hold anything.
    """

    becomes: str
    remark: str | None = None
    free: bool = False
    once: bool = False
    unless: tuple[str, ...] = ()


Fields = Mapping[str, Field]
"""Fields by their way: `slos[].sli.raw`."""


def look_through(node: Node, fields: Fields, tool: str, remarks: Remarks) -> None:
    """Say what is left out of an object, and name what the format does not have.

    A key that resembles one of the format's is refused: its author relies on it.
    """
    _look(node, "", fields, tool, remarks)


def _look(node: Node, way: str, fields: Fields, tool: str, remarks: Remarks) -> None:
    if isinstance(node.value, marked.Sequence):
        for entry in node.entries():
            _look(entry, f"{way}[]", fields, tool, remarks)
        return
    if not isinstance(node.value, marked.Mapping):
        return
    for key, value in node.items():
        inner = f"{way}.{key}" if way else key
        field = fields.get(inner)
        if field is None and not _leads(inner, fields):
            _unknown(value, key, list(_known(way, fields)), tool, remarks)
            continue
        if field and field.remark and value.value not in field.unless:
            remarks.say(value, field.remark, once=field.once)
        if field is None or not field.free:
            _look(value, inner, fields, tool, remarks)


def _unknown(node: Node, key: str, known: list[str], tool: str, remarks: Remarks) -> None:
    # error_query in a CRD, page_alert for pageAlert: the tool drops it without a word.
    plain = {_plain(name): name for name in known}
    close = get_close_matches(_plain(key), plain, n=1, cutoff=0.8)
    if close:
        remarks.refuse(node, f"is not a field of {tool} here: did you mean {plain[close[0]]}?")
    else:
        remarks.say(node, f"is not a field of {tool} here: it is left out, and {tool} ignores it")


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _leads(way: str, fields: Fields) -> bool:
    return any(known.startswith((f"{way}.", f"{way}[")) for known in fields)


def _known(way: str, fields: Fields) -> Iterator[str]:
    start = f"{way}." if way else ""
    seen = set()
    for known in fields:
        if known.startswith(start):
            name = known.removeprefix(start).partition(".")[0].partition("[")[0]
            if name not in seen:
                seen.add(name)
                yield name
