"""Error budget policies of the user's own, and which SLO falls under which."""

from __future__ import annotations

from math import inf
from pathlib import Path

from exporter.config.reading.loading import load, load_file
from exporter.slo.overrides import OverrideLimits
from exporter.slo.policy import DEFAULT_POLICY, BurnRate, Gate, Policy, Tier

POLICIES = """\
policy: {min_coverage: 10}
policies:
  - name: strict
    services: [shop]
    tiers:
      - {name: fine, above: 50, gate: allow}
      - name: careful
        above: -5
        gate: caution
        guidance: small steps
        link: https://wiki.example.com/careful
        burn_rate: {window: 1h, above: 14.4}
      - {name: frozen, gate: block, exemptions: [P0, security fix]}
  - name: lenient
    tiers: [{name: anything, gate: allow}]
"""


def an_slo(service: str, name: str, more: str = "") -> str:
    return (
        f"  - {{service: {service}, name: {name}, objective: 99, "
        f"sli: {{events: {{bad: a, total: b}}}}{more}}}\n"
    )


def test_a_policy_is_what_is_written():
    """Percent become ratios, the last tier takes all values left, coverage is that of all."""
    slo = load(POLICIES + "slos:\n" + an_slo("shop", "a"), Path("c.yaml")).slos[0]
    assert slo.policy == Policy(
        "strict",
        (
            Tier("fine", 0.5, Gate.ALLOW, ""),
            Tier(
                "careful",
                -0.05,
                Gate.CAUTION,
                "small steps",
                "https://wiki.example.com/careful",
                BurnRate(3600, 14.4),
            ),
            Tier("frozen", -inf, Gate.BLOCK, "", exemptions=("P0", "security fix")),
        ),
        min_coverage=0.1,
    )


def test_an_slo_names_its_policy_or_has_its_services_or_the_default():
    """The SLO's own choice goes first, then its service's."""
    text = (
        POLICIES
        + "slos:\n"
        + an_slo("shop", "a")
        + an_slo("shop", "b", ", policy: lenient")
        + an_slo("shop", "c", ", policy: default")
        + an_slo("mail", "d")
    )
    slos = load(text, Path("c.yaml")).slos
    assert [slo.policy.name for slo in slos] == ["strict", "lenient", "default", "default"]
    assert slos[3].policy.tiers == DEFAULT_POLICY.tiers


def test_slos_of_further_files_fall_under_the_main_files_policies(tmp_path):
    """Policies stand in one place."""
    main = tmp_path / "config.yaml"
    main.write_text(POLICIES + "slo_files: [teams.yaml]\n")
    (tmp_path / "teams.yaml").write_text(
        "slos:\n" + an_slo("shop", "a") + an_slo("mail", "b", ", policy: lenient")
    )
    assert [slo.policy.name for slo in load_file(main).slos] == ["strict", "lenient"]


def test_overrides_are_held_to_what_is_written():
    """Or to three days, and three in a quarter."""
    slos = "slos:\n" + an_slo("shop", "a")
    assert load(slos, Path("c.yaml")).overrides == OverrideLimits(72 * 3_600, 3)
    text = "policy: {overrides: {longest: 4h, per_quarter: 0}}\n" + slos
    assert load(text, Path("c.yaml")).overrides == OverrideLimits(4 * 3_600, 0)
