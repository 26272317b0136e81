"""Whatever a spec holds, it is read, or refused with its place: never a fault of ours."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from tests.helpers.specs.counted import SPECS

FILES = sorted(path.relative_to(SPECS).as_posix() for path in SPECS.rglob("*.yaml"))

ODD = (None, "", " ", "x", "-1", "0", "1e400", "nan", "{{.window}}", "[", True, [], {}, [[]])
ODD += ([None], {"a": "b"}, ["a", "b"], {"metric": "up"}, {"query": "up"}, "2026-13-01", "1M")


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(*way, key) for key, _ in inner]
    for place in list(found):
        child = value[place[-1]]
        if isinstance(child, dict | list):
            found += places(child, place)
    return found


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_spec_with_something_odd_in_it_is_read_or_refused(name: str, data: st.DataObject):
    """One value of it is replaced by another, or taken away."""
    documents = list(yaml.safe_load_all((SPECS / name).read_text()))
    way = data.draw(st.sampled_from(places(documents)))
    holder: Any = documents
    for key in way[:-1]:
        holder = holder[key]
    if data.draw(st.booleans()):
        holder[way[-1]] = data.draw(st.sampled_from(ODD))
    else:
        del holder[way[-1]]
    text = yaml.safe_dump_all(documents)
    with suppress(ConfigError):
        found = load(text, Path("spec.yaml"))
        assert found.slos
        assert found.masked


def as_list(text: str) -> str:
    """As `kubectl get --output=yaml` writes objects."""
    objects = list(yaml.safe_load_all(text))
    return yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": objects})


WRITTEN = {
    "with carriage returns": lambda text: text.replace("\n", "\r\n"),
    "with a byte order mark": lambda text: f"\ufeff{text}",
    "between documents of comments": lambda text: (
        f"# nothing\n---\n# here\n---\n{text}---\n# end\n"
    ),
    "with an end of the document": lambda text: f"---\n{text}...\n",
    "in flow style": lambda text: yaml.safe_dump_all(
        yaml.safe_load_all(text), default_flow_style=True, width=9999
    ),
    "with comments behind tabs": lambda text: re.sub(r"^(\S+:)$", "\\1\t# words", text, flags=re.M),
    "with anchors": lambda text: re.sub(r"^(\w+):$", r"\1: &\1", text, flags=re.M),
    "beside other objects": lambda text: f"kind: Deployment\napiVersion: apps/v1\n---\n{text}",
    "in a list": as_list,
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize(
    "name", ["sloth/resource.yaml", "pyrra/ratio.yaml", "openslo/counters.yaml"]
)
def test_however_a_spec_is_written_it_means_the_same(name: str, how: str):
    """YAML has many ways to say one thing."""
    text = (SPECS / name).read_text()
    odd = WRITTEN[how](text)
    assert odd != text
    assert load(odd, Path("spec.yaml")).slos == load(text, Path("spec.yaml")).slos
