"""Composites in the file: what they mean, and what is wrong with them, with the exact message."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.config.settings import Settings
from exporter.slo.combining import Method, OnUnknown
from exporter.slo.model import NO_DATASOURCE, CompositeSli
from exporter.slo.sharding import Shard
from tests.helpers.config.bad_configs import complaints, rows

PARTS = """\
slos:
  - {service: auth, name: availability, objective: 99.9, sli: {probe: {selector: up}}}
  - service: shop
    name: latency
    objective: 99
    sli: {probe: {selector: shop_up}}
"""


def journey(keys: str, *, more: str = "") -> str:
    """A file with two SLOs and a composite, whose keys begin on line 11."""
    return f"""{PARTS}\
  - service: shop
    name: journey
    objective: 99.5
    composite:
      {keys}
{more}"""


OF = "of: [{slo: auth/availability, weight: 2}, {slo: shop/latency}]"
AT = "config.yaml:11: slos[2].composite"

WRONG = {
    "no method": (journey(OF), "config.yaml:10: slos[2].composite.method: is required"),
    "a method there is not": (
        journey("{method: any, of: [{slo: shop/latency}]}"),
        f'{AT}.method: must be one of all, worst, weighted, not "any"',
    ),
    "no parts": (
        journey("method: all\n      of: []"),
        "config.yaml:12: slos[2].composite.of: must name at least one SLO",
    ),
    "a part twice": (
        journey("{method: all, of: [{slo: shop/latency}, {slo: shop/latency}]}"),
        f"{AT}.of: names shop/latency twice: give it once, with a weight if it has one",
    ),
    "a part that is not there": (
        journey("{method: all, of: [{slo: shop/latencies}]}"),
        f'{AT}.of[0].slo: "shop/latencies" is not an SLO of any file, did you mean "shop/latency"?',
    ),
    "a circle of one": (
        journey("{method: all, of: [{slo: shop/journey}]}"),
        f"{AT}.of[0].slo: makes a circle: shop/journey -> shop/journey",
    ),
    "no weight": (
        journey("{method: weighted, of: [{slo: shop/latency, weight: 0}]}"),
        f"{AT}.of[0].weight: must be above 0",
    ),
    "what to do with the unknown": (
        journey("{method: all, of: [{slo: shop/latency}], on_unknown: good}"),
        f'{AT}.on_unknown: must be one of unknown, leave_out, not "good"',
    ),
    "with an sli": (
        journey("{method: all, of: [{slo: shop/latency}]}", more="    sli: {probe: {selector: x}}"),
        "config.yaml:7: slos[2]: needs exactly one of sli and composite: not both",
    ),
    "with a datasource": (
        journey("{method: all, of: [{slo: shop/latency}]}", more="    datasource: prometheus"),
        "config.yaml:12: slos[2].datasource: must not be combined with composite: nothing is asked "
        "for it",
    ),
    "groups without parts that have any": (
        journey("{method: all, of: [{slo: shop/latency}]}", more="    group_by: [region]"),
        "config.yaml:12: slos[2].group_by: needs a part with the same group_by: none has any",
    ),
    "a part with groups": (
        journey(
            "{method: all, of: [{slo: auth/grouped}]}",
            more="  - {service: auth, name: grouped, objective: 99, group_by: [region], "
            "sli: {probe: {selector: x}}}",
        ),
        f"{AT}.of[0].slo: has group_by: [region]; the composite needs the same, it has none",
    ),
    "a part with other groups": (
        journey(
            "{method: all, of: [{slo: auth/grouped}]}",
            more="    group_by: [zone, region]\n"
            "  - {service: auth, name: grouped, objective: 99, group_by: [region], "
            "sli: {probe: {selector: x}}}",
        ),
        f"{AT}.of[0].slo: has group_by: [region]; the composite needs the same, not [region, zone]",
    ),
}


@pytest.mark.parametrize(("text", "expected"), rows(WRONG))
def test_a_bad_composite_is_refused_with_its_exact_message(text: str, expected: list[str]) -> None:
    """One file per mistake."""
    assert complaints(text) == expected


def test_a_circle_is_told_of_with_all_that_make_it() -> None:
    """At each of its composites."""
    more = (
        "  - {service: shop, name: other, objective: 99, "
        "composite: {method: all, of: [{slo: shop/journey}]}}"
    )
    text = journey("{method: all, of: [{slo: shop/latency}, {slo: shop/other}]}", more=more)
    assert complaints(text) == [
        f"{AT}.of[1].slo: makes a circle: shop/journey -> shop/other -> shop/journey",
        "config.yaml:12: slos[3].composite.of[0].slo: makes a circle: shop/other -> shop/journey "
        "-> shop/other",
    ]


def loaded(text: str) -> Settings:
    return load(text, Path("config.yaml"))


class TestMeaning:
    def test_it_is_made_of_the_slos_it_names(self) -> None:
        """In the order of the file, whichever comes first."""
        slos = loaded(journey(f"method: all\n      {OF}")).slos
        sli = slos[2].sli
        assert isinstance(sli, CompositeSli)
        assert (sli.method, sli.on_unknown) == (Method.ALL, OnUnknown.UNKNOWN)
        assert [(part.slo.full_name, part.weight) for part in sli.parts] == [
            ("auth/availability", 2),
            ("shop/latency", 1),
        ]
        assert slos[2].datasource == NO_DATASOURCE

    def test_maintenance_of_a_part_is_its_own(self) -> None:
        """What is planned for a part is planned for what is made of it."""
        more = (
            "maintenance: [{reason: x, start: 2026-01-04T03:00:00Z, duration: 2h, "
            "slos: [auth/availability]}]"
        )
        slos = loaded(journey(f"method: all\n      {OF}", more=more)).slos
        assert [len(slo.maintenance) for slo in slos] == [1, 0, 1]

    def test_no_datasource_is_asked_that_only_composites_would_need(self) -> None:
        """Nothing is asked for them."""
        assert set(loaded(journey(f"method: all\n      {OF}")).datasources) == {"prometheus"}

    @pytest.mark.parametrize("total", [2, 3, 7])
    def test_a_shard_has_all_parts_of_its_composites(self, total: int) -> None:
        """Their services stay together."""
        settings = loaded(journey(f"method: all\n      {OF}"))
        shares = [settings.of_shard(Shard(number, total)) for number in range(total)]
        assert sorted(len(each.slos) for each in shares)[-2:] == [0, 3]
