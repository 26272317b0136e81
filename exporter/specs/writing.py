"""Our configuration as YAML that people read: what specs of other tools mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import yaml

_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_UNFOLDED = 1_000_000
"""A width that no line reaches: PromQL stays on its line."""


class _Dumper(_BASE):  # type: ignore[misc]  # PyYAML's C dumper has no stubs
    """Mappings and lists of ours, in their order; text of several lines as a block."""

    def ignore_aliases(self, data: object) -> bool:
        """What stands twice is written twice."""
        del data
        return True


def _text(dumper: Any, text: str) -> Any:  # noqa: ANN401  (PyYAML's C dumper has no stubs)
    if "\n" in text:
        text = "\n".join(line.rstrip() for line in text.splitlines())
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # What our files hold is text, whatever it looks like: 99.9 needs no quotes.
    tag = "tag:yaml.org,2002:str"
    if text and _is_plain(text):
        tag = dumper.yaml_implicit_resolvers and _resolved(dumper, text)
    return dumper.represent_scalar(tag, text)


def _is_plain(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


def _resolved(dumper: Any, text: str) -> str:  # noqa: ANN401  (PyYAML's C dumper has no stubs)
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))
    return tag


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(
    dict, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items())
)
_Dumper.add_multi_representer(
    list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value)
)


def section_text(section: object) -> str:
    """Write a section, or a list, of our configuration."""
    text: str = yaml.dump(
        section, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_UNFOLDED
    )
    return text


def slos_text(
    slos: Sequence[object],
    comments: Callable[[int], Iterable[str]] | None = None,
    *,
    apart: bool = False,
) -> str:
    """Write entries of `slos`; `comments` gives the lines above each, `apart` an empty one."""
    parts = ["slos:\n"]
    for index, slo in enumerate(slos):
        if apart and index:
            parts.append("\n")
        dumped = section_text([slo])
        above = [f"# {line}" for line in comments(index)] if comments else []
        lines = [*above, *dumped.splitlines()]
        parts.append("".join(f"  {line}\n" if line else "\n" for line in lines))
    return "".join(parts)
