"""Which selectors are alike, and what one selector asks for in their place."""

from __future__ import annotations

import re
from itertools import product
from math import prod

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.prometheus.alike import MOST_VARYING, MOST_WASTE, any_of, merged, shape_of, tiles
from exporter.prometheus.selectors import parse_selector

CELLS = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.sampled_from("abcdef")] * width), min_size=1, max_size=40)
)


class TestShapes:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ('a{service="x"}', 'a{service="y"}'),
            ('a{service="x", code=~"5.."}', 'a{code=~"5..", service="y"}'),
            ('a{b="1", c="2"}', 'a{c="1", b="2"}'),
            ('{__name__="a", b="1"}', 'a{b="2"}'),
            ('{__name__=~"a|b", b="1"}', '{__name__=~"a|b", b="2"}'),
        ],
    )
    def test_those_that_differ_in_values_of_equality_matchers_are_alike(self, one, other):
        """In whichever order they are written."""
        assert shape_of(parse_selector(one))[0] == shape_of(parse_selector(other))[0]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ('a{service="x"}', 'b{service="x"}'),
            ('a{service="x"}', 'a{job="x"}'),
            ('a{service="x"}', 'a{service="x", code="500"}'),
            ('a{service="x", code=~"5.."}', 'a{service="x", code=~"4.."}'),
            ('a{service="x", code!="5"}', 'a{service="x", code!="4"}'),
            ('a{service="x", code=""}', 'a{service="x", code="500"}'),
            ('a{service="x", service=~"x.*"}', 'a{service="y", service=~"x.*"}'),
            ('a_bucket{le="0.5"}', 'a_bucket{le="1"}'),
            ("a", 'a{service="x"}'),
        ],
    )
    def test_all_others_are_not(self, one, other):
        """Labels that are absent, patterns, bounds, and labels with two matchers stay apart."""
        assert shape_of(parse_selector(one))[0] != shape_of(parse_selector(other))[0]


class TestTiles:
    @given(CELLS, st.integers(1, 12))
    @example([("a", "b"), ("b", "a"), ("c", "c"), ("d", "d"), ("e", "e")], 4)
    def test_every_cell_is_in_one_and_none_asks_for_much_more(self, cells, most):
        """The combinations of a tile's values are what its selector asks for."""
        found = [*tiles(cells, most)]
        assert sorted(cell for tile in found for cell in tile) == sorted(set(cells))
        for tile in found:
            assert len(tile) <= most
            asked = [*product(*map(set, zip(*tile, strict=True)))]
            assert len(asked) <= MOST_WASTE * len(tile)

    def test_one_label_is_one_tile(self):
        """However many values it has."""
        assert len([*tiles([(f"s{i}",) for i in range(400)], 500)]) == 1

    def test_what_combines_freely_is_one_tile(self):
        """Every service in every zone."""
        cells = [(f"s{i}", zone) for i in range(100) for zone in "abc"]
        assert len([*tiles(cells, 500)]) == 1

    def test_services_with_the_same_zones_are_one_tile(self):
        """Half of them are in two zones, half in another one: all combinations would be twice."""
        cells = [(f"s{i}", zone) for i in range(50) for zone in ("a", "b", "c", "d", "e", "f")]
        cells += [(f"t{i}", zone) for i in range(300) for zone in "z"]
        assert len([*tiles(cells, 1_000)]) == 2

    def test_what_does_not_combine_is_asked_one_by_one(self):
        """Seven services on a job each have 49 combinations, and it may be that all exist."""
        assert len([*tiles([(f"s{i}", f"j{i}") for i in range(7)], 500)]) == 7

    @pytest.mark.parametrize(
        "cells",
        [
            [(f"s{i}", f"j{i}") for i in range(500)],
            [(f"j{i}", f"s{i}", "code") for i in range(500)],
            [(f"s{i}", f"j{i // 3}") for i in range(500)],  # three services to a job
            [(f"j{i // 3}", f"s{i}") for i in range(500)],
            [(f"a{i}", f"s{i}", f"j{i}") for i in range(500)],
            [(f"s{i}", f"j{i}", code) for i in range(170) for code in ("200", "404", "500")],
        ],
    )
    def test_labels_that_vary_together_are_asked_together(self, cells):
        """Of many services with a job each, both labels are likely to name the same thing."""
        found = [*tiles(cells, 500)]
        assert sorted(cell for tile in found for cell in tile) == sorted(cells)
        assert len(found) <= 25
        for tile in found:
            asked = prod(len(set(column)) for column in zip(*tile, strict=True))
            assert asked <= MOST_VARYING**2 * len(tile)

    def test_one_zone_of_many_services_is_no_label_that_varies_with_them(self):
        """Every service is likely to be in every zone: only a zone's own are asked together."""
        cells = [(f"s{i}", f"z{i % 10}") for i in range(100)]
        assert len([*tiles(cells, 500)]) == 10


class TestMerging:
    def test_the_labels_that_differ_are_sets(self):
        """What is the same in all of a tile stays an equality matcher."""
        shape, _ = shape_of(parse_selector('a{service="x", zone="z", code=~"5.."}'))
        found, labels = merged(shape, [("x", "z"), ("y", "z")])
        assert str(found) == 'a{code=~"5..",service=~"x|y",zone="z"}'
        assert labels == ("service",)

    def test_values_stand_for_themselves(self):
        """Whatever RE2 would make of them."""
        shape, _ = shape_of(parse_selector('a{b="x"}'))
        found, _ = merged(shape, [("a.b|c",), ('q"\\d',), ("-_ /é\n",)])
        assert str(found) == r'a{b=~"-_ /é\n|a\\.b\\|c|q\"\\\\d"}'
        promql_parser.parse(str(found))

    @given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5), st.text(max_size=5))
    def test_a_set_matches_its_values_alone(self, values, other):
        """None is lost, and nothing else is found."""
        pattern = any_of(values)
        for value in values:
            assert re.fullmatch(pattern, value)
        assert bool(re.fullmatch(pattern, other)) == (other in values)
