"""Vector selectors: what is read, what is written, and what is refused."""

from __future__ import annotations

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus.selectors import Matcher, Selector, parse_selector

PLAIN = (
    "must be a plain selector such as metric_total{label="
    '"value"}, without functions, ranges or operators: the exporter counts by itself'
)
TIMELESS = "must be a selector without offset and @: the exporter sets the times"

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}_total", fullmatch=True)
label_names = st.from_regex(r"l[a-zA-Z0-9_]{0,8}", fullmatch=True)
label_values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
equalities = st.builds(Matcher, label_names, st.sampled_from(["=", "!="]), label_values)
patterns = st.builds(
    Matcher,
    label_names,
    st.sampled_from(["=~", "!~"]),
    st.sampled_from(["5..", "a|b", r"\d+\.x", 'q"uote', "", ".*"]) | label_values.map(re.escape),
)
selectors = st.builds(Selector, names, st.lists(equalities | patterns, max_size=4).map(tuple))


def _read(text):
    try:
        return parse_selector(text)
    except ValueError:
        return None


class TestReading:
    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("up", "up"),
            ("up{}", "up"),
            (' up { job = "a" , } # comment', 'up{job="a"}'),
            ("up{job='it'}", 'up{job="it"}'),
            ('up{job="a",code!="b",c=~"5..",d!~"x|y"}', 'up{job="a",code!="b",c=~"5..",d!~"x|y"}'),
            ('{__name__="up",job="a"}', 'up{job="a"}'),
            ('{__name__=~"up|down"}', '{__name__=~"up|down"}'),
            ('{job="a"}', '{job="a"}'),
            ("job:up:sum", "job:up:sum"),
            ('{"http.requests",code="5"}', '{__name__="http.requests",code="5"}'),
            (r'up{a="\\d\n\"é"}', r'up{a="\\d\n\"é"}'),
        ],
    )
    def test_a_selector_is_read_and_written_in_one_way(self, text, written):
        """Blanks, quotes and the spelling of the name do not matter; escapes stay what they are."""
        assert str(parse_selector(text)) == written

    @given(selectors)
    def test_what_is_written_reads_back(self, selector):
        """Any name, matcher and label value survives, quotes and line breaks included."""
        assert parse_selector(str(selector)) == selector

    @given(
        st.sampled_from(["a_total", "count_values", "Group_Left", "sum", "a:b_c", "_x", "é_b"]),
        st.lists(
            st.tuples(
                st.sampled_from(["code", "by", "le", "offset", "nan", "__name__", "é"]),
                st.sampled_from(["=", "!=", "=~", "!~"]),
                st.sampled_from(
                    ["", "s1", "5..", "[45]..", "[z-a]", "[]", "*", "a*", ".+*", "..*", "a|b", "||",
                     "x/y:z-1@q", "a b", "é", r"\\d", r"\d", "{", ",", "a.b"]
                ),
                st.sampled_from(["", " "]),
            ),
            min_size=1,
            max_size=3,
        ),
    )  # fmt: skip
    def test_the_usual_form_is_read_as_the_parser_reads_it(self, name, matchers):
        """Selectors of the usual form are read without the parser; it says the same of them."""
        parts = [
            f'{blank}{label}{blank}{op}{blank}"{value}"{blank}'
            for label, op, value, blank in matchers
        ]
        text = f"{name}{{{','.join(parts)}}}"
        # A comment makes it unusual: only the parser knows comments.
        assert _read(text) == _read(f"{text} # read by the parser")

    def test_a_quoted_label_name_stays_quoted(self):
        """Prometheus 3 takes any UTF-8 as a label name, in quotes only."""
        text = '{"http.requests","status.code"="500"}'
        assert parse_selector(str(parse_selector(text))) == parse_selector(text)


class TestRefusing:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("up[5m]", PLAIN),
            ("rate(up[5m])", PLAIN),
            ("sum(up)", PLAIN),
            ("up + up", PLAIN),
            ("-up", PLAIN),
            ("(up)", PLAIN),
            ("5", PLAIN),
            ('"up"', PLAIN),
            ("up[5m:1m]", PLAIN),
            ("up offset 5m", TIMELESS),
            ("up offset -5m", TIMELESS),
            ("up @ 1700000000", TIMELESS),
            ("up @ end()", TIMELESS),
            ('up{a="1" or a="2"}', 'must not use "or" between matchers: write a =~ matcher'),
        ],
    )
    def test_more_than_a_plain_selector_is_refused(self, text, message):
        """The message says what is wrong with it and what would be right."""
        with pytest.raises(ValueError, match="^" + re.escape(message)):
            parse_selector(text)

    @pytest.mark.parametrize(
        "text", ["", "up{", "up{a=1}", 'up{a=~"("}', "{}", '{a=""}', "5xx", 'up{__name__="down"}']
    )
    def test_what_is_no_promql_is_refused_with_the_parsers_words(self, text):
        """The parser's own message follows."""
        with pytest.raises(ValueError, match=r"^is not PromQL: .+"):
            parse_selector(text)

    def test_two_names_are_refused(self):
        """Prometheus would find nothing; none of the two may be dropped without a word."""
        with pytest.raises(ValueError, match="name"):
            parse_selector('{__name__="a_total",__name__="b_total"}')


class TestBuilding:
    def test_a_selector_can_be_renamed_and_narrowed(self):
        """The original stays as it is."""
        selector = parse_selector('up{job="a",le="1"}')
        assert str(selector.renamed("down")) == 'down{job="a",le="1"}'
        assert str(selector.where(Matcher("code", "=~", "5.."))) == 'up{job="a",le="1",code=~"5.."}'
        assert str(selector.without("le")) == 'up{job="a"}'
        assert str(selector) == 'up{job="a",le="1"}'

    @given(label_values)
    def test_a_matcher_of_any_value_is_promql(self, value):
        """Whatever the value holds, the text is a matcher of that value and nothing more."""
        text = str(Selector("up", (Matcher("job", "=", value),)))
        parsed = promql_parser.parse(text)
        assert [matcher.value for matcher in parsed.matchers.matchers] == [value]
