"""Files that are wrong as a whole: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import before_slos, complaints, one_slo, rows

SLO_KEYS = (
    "service, name, objective, period, sli, composite, description, criticality, reviewed, "
    "datasource, budgeting, alerting, policy, group_by, max_groups, labels"
)

YAML = {
    "empty": ("", "config.yaml:1: is empty: slos or slo_files is needed"),
    "comments alone": ("# slos:\n", "config.yaml:1: is empty: slos or slo_files is needed"),
    "null": ("---\n~\n", "config.yaml:1: is empty: slos or slo_files is needed"),
    "a list": (
        "\n- slos",
        "config.yaml:2: must be a mapping of keys to values, such as slos: ...",
    ),
    "a word": ("slos", "config.yaml:1: must be a mapping of keys to values, such as slos: ..."),
    "two documents": (
        "slos: []\n---\nslos: []",
        "config.yaml:3: begins a second document of the main file: put its keys into the first",
    ),
    "tab": (
        "slos:\n\t- a",
        "config.yaml:2: is not valid YAML: while scanning for the next token, "
        "found character that cannot start any token",
        "    \t- a",
        "    ^",
    ),
    "unknown alias": ("slos: *auth", "config.yaml:1: is not valid YAML: found undefined alias"),
    "control character": (
        "\nslos: \x07",
        "config.yaml:2: is not valid YAML: the character U+0007 is not allowed",
    ),
    "deep nesting": (
        "\nslos: " + "[" * 100_000,
        "config.yaml:2: is nested more than 32 levels deep",
    ),
    "duplicate key": (
        one_slo(period="28d\n    period: 30d"),
        "config.yaml:7: slos[0].period: is given twice, first on line 6",
    ),
    "list as key": (
        before_slos("[a]: b"),
        "config.yaml:1: has a list or a mapping as a key: keys must be text",
    ),
    "tag": (
        one_slo(service="!!python/name:os.system x"),
        'config.yaml:2: slos[0].service: has the YAML tag "!!python/name:os.system", which is '
        "not used here: remove it",
        "config.yaml:2: slos[0].service: is required",
    ),
    "contains itself": (
        one_slo(labels="&labels {owner: *labels}"),
        "config.yaml:6: slos[0].labels.owner: must not contain itself",
        "config.yaml:6: slos[0].labels.owner: must be text",
    ),
    "merge of text": (
        one_slo(**{"<<": "auth"}),
        "config.yaml:6: slos[0].<<: must be a mapping or a list of mappings",
    ),
}

TOP = {
    "unknown key": (
        before_slos("prometeus: {}"),
        "config.yaml:1: prometeus: unknown key, did you mean prometheus?",
    ),
    "unknown key like none": (
        before_slos("x y: {}"),
        'config.yaml:1: "x y": unknown key, known here: prometheus, datasources, evaluation, '
        "storage, grafana, reports, metrics, policy, policies, alerting, changes, maintenance, "
        "slos, slo_files, specs",
    ),
    "no SLO": (
        "slos: []",
        "config.yaml:1: no SLO is defined: give slos, or slo_files that hold some",
    ),
    "nothing matched": (
        "\nslo_files: ['none/*.yaml']",
        "config.yaml:2: no SLO is defined: give slos, or slo_files that hold some",
    ),
    "slos no list": ("slos: {}", "config.yaml:1: slos: must be a list"),
    "SLO no mapping": (
        "slos:\n  - auth",
        f"config.yaml:2: slos[0]: must be a mapping with keys among {SLO_KEYS}",
    ),
    "slo_files no list": ("slo_files: a.yaml", "config.yaml:1: slo_files: must be a list"),
    "no such slo_file": (
        "slo_files:\n  - none.yaml",
        "config.yaml:2: slo_files[0]: no such file: none.yaml",
    ),
    "blank slo_file": ("slo_files:\n- ''", "config.yaml:2: slo_files[0]: must not be empty"),
    "unprintable slo_file": (
        'slo_files: ["\\0/*"]',
        'config.yaml:1: slo_files[0]: must be one line of printable text, not "\\u0000/*"',
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(YAML | TOP))
def test_a_bad_file_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
