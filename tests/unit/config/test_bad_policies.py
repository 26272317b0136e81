"""Error budget policies that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import before_slos, complaints, one_slo, rows

LAST = "{name: bad, gate: block}"


def tiers(*written: str) -> str:
    """A file with one policy of these tiers, on line 1."""
    return before_slos(f"policies: [{{name: own, tiers: [{', '.join(written)}]}}]")


def tier(keys: str) -> str:
    """A file with a policy whose second tier of three has these keys, on line 1."""
    first = "{name: fine, above: 50, gate: allow}"
    return tiers(first, f"{{name: poor, gate: caution, {keys}}}", LAST)


POLICY = {
    "no tiers": (tiers(), "config.yaml:1: policies[0].tiers: must have at least one tier"),
    "no name": (
        before_slos(f"policies: [{{tiers: [{LAST}]}}]"),
        "config.yaml:1: policies[0].name: is required",
    ),
    "the name of the default": (
        before_slos(f"policies: [{{name: default, tiers: [{LAST}]}}]"),
        "config.yaml:1: policies[0].name: default is the built-in policy: choose another name",
    ),
    "same name": (
        before_slos(
            f"policies:\n  - {{name: own, tiers: [{LAST}]}}\n  - {{name: own, tiers: [{LAST}]}}"
        ),
        'config.yaml:3: policies[1].name: "own" is already the name of a policy: '
        "config.yaml:2: policies[0]",
    ),
    "two policies of a service": (
        before_slos(
            f"policies:\n  - {{name: own, services: [auth], tiers: [{LAST}]}}\n"
            f"  - {{name: other, services: [auth], tiers: [{LAST}]}}"
        ),
        'config.yaml:3: policies[1].services[0]: "auth" has a policy already: '
        "config.yaml:2: policies[0]",
    ),
    "unknown service": (
        before_slos(f"policies: [{{name: own, services: [auht], tiers: [{LAST}]}}]"),
        'config.yaml:1: policies[0].services[0]: "auht" is not a service of any file, '
        'did you mean "auth"?',
    ),
    "unknown policy": (
        one_slo(policy="onw") + f"policies: [{{name: own, tiers: [{LAST}]}}]",
        'config.yaml:6: slos[0].policy: "onw" is not a policy, did you mean "own"?',
    ),
    "no policy at all": (
        one_slo(policy="strict"),
        'config.yaml:6: slos[0].policy: "strict" is not a policy, there are "default"',
    ),
}

TIERS = {
    "no gate": (
        tiers("{name: bad}"),
        "config.yaml:1: policies[0].tiers[0].gate: is required",
    ),
    "unknown gate": (
        tiers("{name: bad, gate: stop}"),
        "config.yaml:1: policies[0].tiers[0].gate: must be one of allow, caution, block, "
        'not "stop"',
    ),
    "same tier": (
        tiers("{name: bad, above: 1, gate: allow}", LAST),
        "config.yaml:1: policies[0].tiers: names bad twice",
    ),
    "above missing": (
        tier("link: 'https://a'"),
        'config.yaml:1: policies[0].tiers: "poor" needs above: only the last tier has none',
    ),
    "above of the last": (
        tiers("{name: bad, above: 0, gate: block}"),
        'config.yaml:1: policies[0].tiers: "bad" is the last tier and must have no above: it '
        "takes every value left",
    ),
    "above rising": (
        tier("above: 60"),
        'config.yaml:1: policies[0].tiers: "poor" must have an above lower than the 50 of '
        '"fine", not 60',
    ),
    "above the same": (
        tier("above: 50"),
        'config.yaml:1: policies[0].tiers: "poor" must have an above lower than the 50 of '
        '"fine", not 50',
    ),
    "above a ratio": (
        tier("above: 0.25"),
        "config.yaml:1: policies[0].tiers[1].above: is in percent: did you mean 25?",
    ),
    "above of a whole budget": (
        tier("above: 100"),
        "config.yaml:1: policies[0].tiers[1].above: must be a percentage from -1000 to below 100, "
        "not 100",
    ),
    "gate milder": (
        tiers("{name: fine, above: 1, gate: block}", "{name: bad, gate: caution}"),
        'config.yaml:1: policies[0].tiers: "bad" is worse than "fine", and its gate must not be '
        "milder: caution after block",
    ),
    "link": (
        tier("above: 1, link: wiki/freeze"),
        'config.yaml:1: policies[0].tiers[1].link: must be an http or https URL, not "wiki/freeze"',
    ),
    "link with a broken host": (
        tier("above: 1, link: 'http://[a'"),
        'config.yaml:1: policies[0].tiers[1].link: must be an http or https URL, not "http://[a"',
    ),
    "burn rate of the first": (
        tiers("{name: a, above: 1, gate: allow, burn_rate: {window: 1h, above: 2}}", LAST),
        'config.yaml:1: policies[0].tiers: "a" is the first tier and must have no burn_rate',
    ),
    "burn rate zero": (
        tier("above: 1, burn_rate: {window: 1h, above: 0}"),
        "config.yaml:1: policies[0].tiers[1].burn_rate.above: must be above 0, not 0",
    ),
    "burn rate without end": (
        tier("above: 1, burn_rate: {window: 1h, above: inf}"),
        "config.yaml:1: policies[0].tiers[1].burn_rate.above: must be a number that is not "
        "infinite",
    ),
    "another window": (
        tier("above: 1, burn_rate: {window: 4h, above: 2}"),
        "config.yaml:1: policies[0].tiers[1].burn_rate.window: must be one of 5m, 30m, 1h, 2h, "
        '6h, 1d, 3d, not "4h"',
    ),
    "exemptions where nothing is blocked": (
        tier("above: 1, exemptions: [p0]"),
        "config.yaml:1: policies[0].tiers[1].exemptions: must not be given where gate is caution: "
        "nothing is blocked",
    ),
    "exemptions of an unknown gate": (
        tiers("{name: bad, gate: stop, exemptions: [p0]}"),
        "config.yaml:1: policies[0].tiers[0].gate: must be one of allow, caution, block, "
        'not "stop"',
    ),
    "same exemption": (
        tiers("{name: bad, gate: block, exemptions: [p0, security, P0]}"),
        "config.yaml:1: policies[0].tiers[0].exemptions: names p0 twice",
    ),
    "window a list": (
        tier("above: 1, burn_rate: {window: [1h], above: 2}"),
        "config.yaml:1: policies[0].tiers[1].burn_rate.window: must be one of 5m, 30m, 1h, 2h, "
        "6h, 1d, 3d",
    ),
}

OVERRIDES = {
    "too long": (
        before_slos("policy: {overrides: {longest: 31d}}"),
        "config.yaml:1: policy.overrides.longest: must be at least 1m and at most 30d, not 31d",
    ),
    "no duration": (
        before_slos("policy: {overrides: {longest: 72}}"),
        "config.yaml:1: policy.overrides.longest: '72' is not a duration: write a number and a "
        "unit (ms, s, m, h, d, w, y), largest unit first, as in 30s or 1h30m",
    ),
    "quota below zero": (
        before_slos("policy: {overrides: {per_quarter: -1}}"),
        "config.yaml:1: policy.overrides.per_quarter: must be at least 0",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(POLICY | TIERS | OVERRIDES))
def test_a_bad_policy_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
