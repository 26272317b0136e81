"""Whatever a file holds, it loads or says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError, Mistake
from exporter.config.models import EvaluationSection, MainFile
from exporter.config.reading.loading import load
from exporter.config.sections.maintenance_section import MaintenanceSection
from exporter.config.sections.prometheus_section import PrometheusSection
from exporter.config.sections.slo_section import SloSection
from tests.helpers.thorough import examples

KEYS = [
    *["<<", "owner", "calendar", "method", "slice", "target"],
    *MainFile.model_fields,
    *MaintenanceSection.model_fields,
    *PrometheusSection.model_fields,
    *EvaluationSection.model_fields,
    *SloSection.model_fields,
]
VALUES = [
    *["30s", "0s", "1h", "28d", "999999y", "0.999", "99.9", "100", "0", "-1", "1e999", "nan"],
    *["true", "maybe", "", "~", "*a", "&a b", "/dev/null", "/dev", "none.yaml", "*.yaml"],
    *["http://localhost:9090", "http://a:b@c", "http://[", "http://\u0660", "[]", "{}", "[a, a]"],
    *["2026-11-20T22:00:00Z", "2026-03-29T02:30:00", "9999-12-31T23:59:59", "Europe/Berlin"],
    *["FREQ=WEEKLY", "FREQ=DAILY;COUNT=3", "RRULE:", "FREQ=DAILY;UNTIL=99991231T235959", "month"],
    *["rate(up[$window])", "$window", "< 0.8", "timeslices", "1m", "95", "auth", "auth/a"],
    *["up", "{}", "up{a=~'['}", "rate(up[5m])", "a_bucket", "a{le='1'}", "{__name__='a'}"],
]

scalars = st.sampled_from(VALUES) | st.text(max_size=20) | st.none()
keys = st.sampled_from(KEYS) | st.text(max_size=5)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8),
    max_leaves=40,
)


def check(text: str) -> None:
    mistakes: tuple[Mistake, ...] = ()
    try:
        load(text, Path("config.yaml"))
    except ConfigError as error:
        mistakes = error.mistakes or (Mistake(Path(), None, "", ""),)
    for mistake in mistakes:
        assert mistake.line
        assert mistake.message
        shown = mistake.shown.count("\n") + 1 if mistake.shown else 0
        assert str(mistake).count("\n") <= shown <= 2


@examples(100)
@given(st.text(max_size=200))
def test_any_text_loads_or_is_refused(text):
    """Text of all sorts raises nothing but ConfigError."""
    check(text)


@examples(100)
@given(st.lists(st.sampled_from([*KEYS, *VALUES, ":", "- ", "\n", "  ", "!", "&a", "|"])))
def test_any_yaml_like_text_loads_or_is_refused(parts):
    """Nor do pieces of a configuration, thrown together."""
    check(" ".join(parts))


@examples(100)
@given(st.dictionaries(keys, trees, max_size=6))
def test_any_tree_loads_or_is_refused(tree):
    """Nor does YAML of any shape."""
    check(yaml.safe_dump(tree, allow_unicode=True))


slos = st.fixed_dictionaries(
    {
        "service": scalars,
        "name": scalars,
        "objective": st.sampled_from(["99.9", "0.5", "100", "abc", None]),
        "sli": st.fixed_dictionaries(
            {},
            optional={
                "events": st.dictionaries(st.sampled_from(["bad", "good", "total"]), scalars),
                "latency": st.dictionaries(st.sampled_from(["histogram", "threshold"]), scalars),
                "query": st.dictionaries(st.sampled_from(["bad", "total", "window"]), scalars),
                "ratio": st.dictionaries(st.sampled_from(["error", "success"]), scalars),
                "threshold": st.dictionaries(st.sampled_from(["query", "must_be"]), scalars),
            },
        ),
    },
    optional={
        "period": trees,
        "budgeting": trees,
        "alerting": trees,
        "group_by": trees,
        "max_groups": scalars,
        "labels": trees,
    },
)
windows = st.dictionaries(st.sampled_from([*MaintenanceSection.model_fields]), trees)


@examples(100)
@given(
    st.lists(slos, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(KEYS), scalars, max_size=6),
    st.dictionaries(st.sampled_from(KEYS), scalars, max_size=6),
    st.lists(windows, max_size=2),
)
def test_any_values_under_right_keys_load_or_are_refused(slos, prometheus, evaluation, windows):
    """Nor do wrong values where the format expects right ones."""
    sections = {"prometheus": prometheus, "evaluation": evaluation, "maintenance": windows}
    check(yaml.safe_dump({"slos": slos, **sections}))


frequencies = st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"])
parts = st.tuples(
    st.sampled_from(
        [
            *["BYDAY=1SU", "BYDAY=SU", "BYMONTHDAY=-1,4", "BYMONTH=1,2", "BYSETPOS=1"],
            *["BYWEEKNO=1", "BYYEARDAY=4", "BYHOUR=3,5", "COUNT=3", "INTERVAL=2"],
            "UNTIL=20270101T000000",
        ]
    ),
    st.sampled_from(["BYDAY=MO,SU", "BYMINUTE=0", "BYSECOND=0,30", "BYMINUTE=x", "WKST=SU", "="]),
)


@examples(100)
@given(frequencies, parts)
def test_any_rule_loads_or_is_refused(frequency, parts):
    """Nor does a rule of whatever parts."""
    window = {"reason": "a", "start": "2026-01-04T03:00:00", "duration": "2h"}
    window["rrule"] = ";".join((f"FREQ={frequency}", *parts))
    check(yaml.safe_dump({"slos": [], "maintenance": [window]}))
