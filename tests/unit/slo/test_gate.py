"""The deploy gate: what it decides, and in which words."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from exporter.slo.gate import Decision, decide, decide_slo
from exporter.slo.policy import Gate, Policy, Tier
from exporter.slo.records import Override, TierChange
from exporter.slo.snapshot import SloStatus, Snapshot, TierStatus
from tests.helpers.samples import AT, every_window, slo, snapshot, status, subject

NOW = AT + 60.0
HOUR = 3_600

POLICY = Policy(
    "payments",
    (
        Tier("normal", 0.5, Gate.ALLOW, "go on"),
        Tier("careful", 0.25, Gate.CAUTION, "small changes", exemptions=("p0",)),
        Tier("frozen", 0.0, Gate.BLOCK, "only fixes", "https://wiki.test/f", None, ("p0", "fix")),
        Tier("spent", float("-inf"), Gate.BLOCK, "nothing", exemptions=("p0",)),
    ),
)

LEFT = {"normal": 0.8, "careful": 0.4, "frozen": 0.1, "spent": -0.5, None: 0.0}

OVERRIDE = Override("auth", None, "ada", "the hotfix.", NOW - 60, NOW + HOUR, id=1)


def in_tier(tier: str | None, name: str = "availability", **of: object) -> SloStatus:
    """The status of an SLO in a tier; None for one of which nothing is known."""
    known = 0.0 if tier is None else 1.0
    sums = ((1 - LEFT[tier]) * 1_000.0 * known, 1_000_000.0 * known, known)
    found = status(subject(slo(name=name, policy=POLICY)), sums)
    assert (found.tier and found.tier.name) == tier
    return replace(found, **of)


def picture(*statuses: SloStatus) -> Snapshot:
    """A snapshot of these."""
    return Snapshot(AT, statuses, ())


TABLE = [
    # tier, reason, override -> decision, exempted, overridden
    ("normal", None, False, ("allow", False, False)),
    ("careful", None, False, ("caution", False, False)),
    ("frozen", None, False, ("block", False, False)),
    ("spent", None, False, ("block", False, False)),
    (None, None, False, ("unknown", False, False)),
    ("normal", "p0", False, ("allow", False, False)),
    ("careful", "p0", False, ("caution", False, False)),
    ("frozen", "p0", False, ("allow", True, False)),
    ("frozen", "P0", False, ("allow", True, False)),
    ("frozen", "fix", False, ("allow", True, False)),
    ("spent", "fix", False, ("block", False, False)),
    ("frozen", "feature", False, ("block", False, False)),
    (None, "p0", False, ("unknown", False, False)),
    ("normal", None, True, ("allow", False, False)),
    ("careful", None, True, ("caution", False, False)),
    ("frozen", None, True, ("allow", False, True)),
    ("spent", "fix", True, ("allow", False, True)),
    ("frozen", "fix", True, ("allow", True, False)),
    (None, None, True, ("allow", False, True)),
]


@pytest.mark.parametrize(("tier", "reason", "override", "expected"), TABLE)
def test_the_decision(tier, reason, override, expected):
    """By tier, reason and override."""
    overrides = [OVERRIDE] if override else []
    found = decide_slo(in_tier(tier), reason=reason, overrides=overrides, now=NOW)
    assert (found.decision, found.exempted, found.overridden) == expected
    assert found.tier == tier


class TestWords:
    def why(self, tier: str | None, reason: str | None = None, **of: object) -> str:
        overrides = of.pop("overrides", [])
        found = in_tier(tier, **of)
        return decide_slo(found, reason=reason, overrides=overrides, now=NOW).why

    def test_without_a_record_they_are_of_the_budget_now(self):
        """While history is still being read, say."""
        assert self.why("frozen") == "In tier frozen: 10% of the budget is left."

    def test_they_have_the_figures_of_the_last_change(self):
        """Since when, with which budget, and what it is now."""
        change = TierChange(AT - HOUR, "careful", "frozen", "payments", 0.2)
        assert self.why("frozen", tier_status=TierStatus(AT - HOUR, changes=(change,))) == (
            "In tier frozen since 2023-11-14 21:15 UTC, entered with 20% of the budget; "
            "now 10% of the budget is left."
        )

    def test_they_tell_of_the_burn_rate_that_raised_the_tier(self):
        """With its window."""
        change = TierChange(AT - HOUR, "normal", "frozen", "payments", 0.6, HOUR, 15.25)
        assert "entered with a burn rate of 15.2 over 1h, 60% of the budget;" in self.why(
            "frozen", tier_status=TierStatus(AT - HOUR, changes=(change,))
        )

    def test_the_figures_of_another_tiers_change_are_left_out(self):
        """They would explain the wrong tier."""
        change = TierChange(AT - HOUR, None, "normal", "payments", 0.9)
        assert "entered" not in self.why("frozen", tier_status=TierStatus(changes=(change,)))

    def test_an_exemption_is_told(self):
        """An allow in a freeze must not look like one outside."""
        assert self.why("frozen", "p0").endswith(" The tier exempts 'p0'.")

    def test_a_reason_of_another_tier_is_told(self):
        """It is no typing mistake."""
        assert self.why("spent", "fix").endswith(" The tier does not exempt 'fix'.")

    @pytest.mark.parametrize("tier", ["normal", "frozen"])
    def test_an_unknown_reason_names_the_known_ones(self, tier):
        """Also while everything passes: a mistake is found before the freeze."""
        text = "The reason 'sceurity' is not known: known are p0, fix."
        assert self.why(tier, "sceurity").endswith(text)

    def test_a_policy_without_exemptions_says_so(self):
        """Nothing is there to be named."""
        bare = Policy("bare", (Tier("frozen", float("-inf"), Gate.BLOCK, ""),))
        found = status(subject(slo(policy=bare)), (1.0, 1_000.0, 1.0))
        text = "The reason 'p0' is not known: the policy has none."
        assert decide_slo(found, reason="p0", now=NOW).why.endswith(text)

    def test_an_override_is_told_with_its_end(self):
        """Who, until when, and why."""
        assert self.why("frozen", overrides=[OVERRIDE]).endswith(
            " ada overrides it until 2023-11-14 23:16 UTC: the hotfix."
        )

    def test_a_tier_that_is_held_keeps_its_decision_and_says_so(self):
        """The tier is the last thing known; whoever asks may weigh it."""
        tier_status = TierStatus(held="Prometheus does not answer")
        for tier, decision in (("normal", "allow"), ("frozen", "block")):
            found = decide_slo(in_tier(tier, tier_status=tier_status), now=NOW)
            assert (found.decision, found.held) == (decision, tier_status.held)
            assert found.why.endswith(" The tier is held: Prometheus does not answer.")


class TestFigures:
    def test_all_of_a_tier_that_blocks(self):
        """What to do, where more is written, how long it lasts, and what would pass."""
        found = decide_slo(
            in_tier("frozen", tier_status=TierStatus(AT - HOUR, recovery=AT + 5.5 * HOUR)), now=NOW
        )
        assert (found.policy, found.guidance, found.link) == (
            "payments",
            "only fixes",
            "https://wiki.test/f",
        )
        assert (found.since, found.recovery) == (AT - HOUR, AT + 5.5 * HOUR)
        assert found.exemptions == ("p0", "fix")
        assert found.remaining == pytest.approx(0.1)
        assert found.exhaustion_seconds == inf

    def test_exemptions_are_not_told_while_nothing_blocks(self):
        """Nobody needs one."""
        assert decide_slo(in_tier("careful"), now=NOW).exemptions == ()

    @pytest.mark.parametrize(
        ("override", "holds"),
        [
            (OVERRIDE, True),
            (replace(OVERRIDE, slo="availability"), True),
            (replace(OVERRIDE, slo="latency"), False),
            (replace(OVERRIDE, service="mail"), False),
            (replace(OVERRIDE, start=NOW, until=NOW + 1), True),
            (replace(OVERRIDE, until=NOW), False),
            (replace(OVERRIDE, start=NOW + 1), False),
        ],
    )
    def test_an_override_holds_for_its_slos_in_its_time(self, override, holds):
        """[start, until), and no other service."""
        found = decide_slo(in_tier("frozen"), overrides=[override], now=NOW)
        assert (found.decision is Decision.ALLOW) is holds
        assert (found.override == override) is holds

    def test_of_several_overrides_the_one_that_holds_longest_is_told(self):
        """The others end before it."""
        longer = replace(OVERRIDE, until=OVERRIDE.until + 1, by="bob")
        for overrides in ([OVERRIDE, longer], [longer, OVERRIDE]):
            assert decide_slo(in_tier("frozen"), overrides=overrides, now=NOW).override is longer


class TestService:
    @pytest.mark.parametrize(
        ("tiers", "decision"),
        [
            (["normal"], "allow"),
            (["normal", "careful"], "caution"),
            (["careful", "normal"], "caution"),
            (["careful", None], "unknown"),
            ([None, "frozen", "normal"], "block"),
        ],
    )
    def test_the_worst_slo_decides(self, tiers, decision):
        """It comes first, and lends its words; what blocks is worse than what is unknown."""
        shot = picture(*(in_tier(tier, str(i)) for i, tier in enumerate(tiers)))
        found = decide(shot, "auth", now=NOW)
        assert found.decision == found.slos[0].decision == decision
        assert found.why == f"{found.slos[0].slo}: {found.slos[0].why}"
        assert len(found.slos) == len(tiers)

    def test_one_slo_is_asked_for_alone_with_all_its_groups(self):
        """A group that blocks is named."""
        by_region = slo(policy=POLICY, group_by=("region",))
        shot = snapshot(
            (subject(by_region, groups={"region": "eu"}), (100.0, 1_000_000.0, 1.0)),
            (subject(by_region, groups={"region": "us"}), (900.0, 1_000_000.0, 1.0)),
            (subject(slo(name="latency", policy=POLICY)), (1500.0, 1_000_000.0, 1.0)),
        )
        found = decide(shot, "auth", "availability", now=NOW)
        assert [each.groups for each in found.slos] == [{"region": "us"}, {"region": "eu"}]
        assert (found.decision, found.at) == ("block", AT)
        assert found.why.startswith("availability region=us: In tier frozen: 10% ")

    @pytest.mark.parametrize(
        ("service", "slo_", "why"),
        [
            ("auht", None, "No SLO of service 'auht' is known: did you mean 'auth'?"),
            ("elsewhere", None, "No SLO of service 'elsewhere' is known."),
            ("auth", "latency", "auth has no SLO 'latency'."),
            ("auth", "availabilty", "auth has no SLO 'availabilty': did you mean 'availability'?"),
        ],
    )
    def test_what_does_not_exist_is_unknown(self, service, slo_, why):
        """A typing mistake must not let anything pass."""
        found = decide(picture(in_tier("normal")), service, slo_, overrides=[OVERRIDE], now=NOW)
        assert (found.decision, found.why, found.slos) == ("unknown", why, ())

    def test_before_the_first_evaluation_everything_is_unknown(self):
        """Nobody can tell which SLOs there are, even."""
        found = decide(Snapshot(0, (), ()), "auth", now=NOW)
        assert (found.decision, found.at) == ("unknown", None)
        assert found.why == "There is no evaluation yet, or no recent one."


class TestWhilePaging:
    def burning(self, tier: str, while_paging: Gate) -> SloStatus:
        """4.7% fail in every window but the period's, which decides the tier."""
        base = in_tier(tier)
        own = slo(policy=replace(POLICY, while_paging=while_paging))
        windows = every_window(own, (47.0, 1_000.0, 1.0), period=(1.0, 1_000_000.0, 1.0))
        return replace(status(subject(own), windows), tier=base.tier, tier_status=base.tier_status)

    @pytest.mark.parametrize(
        ("tier", "while_paging", "decision"),
        [
            ("normal", Gate.CAUTION, "caution"),
            ("normal", Gate.BLOCK, "block"),
            ("normal", Gate.ALLOW, "allow"),
            ("frozen", Gate.CAUTION, "block"),
        ],
    )
    def test_the_decision_is_at_least_the_policys(self, tier, while_paging, decision):
        """The tier knows of the month; the page of now."""
        found = decide_slo(self.burning(tier, while_paging), now=NOW)
        assert found.decision == decision
        assert " A page fires: 4.7% of events fail, 0.1% allowed; 99.9% of the budget" in found.why

    def test_a_ticket_changes_nothing(self):
        """It does not call anybody now."""
        own = slo(policy=POLICY)
        slow = status(subject(own), every_window(own, (4.0, 1_000.0, 1.0), period=(1.0, 1e6, 1.0)))
        found = decide_slo(replace(slow, tier=in_tier("normal").tier), now=NOW)
        assert found.decision == "allow"
        assert "fires" not in found.why
