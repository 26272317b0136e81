"""One entry of `policies` in the configuration file: an error budget policy of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, field_validator

from exporter.config.errors import quoted
from exporter.config.types.fields import DURATION, Kind, Text, TierPercent, no_doubles, one_of
from exporter.config.types.section import Section
from exporter.slo.durations import format_duration, parse_duration
from exporter.slo.policy import DEFAULT_POLICY, BurnRate, Gate, Policy, Tier
from exporter.slo.windows import WINDOWS


def _window(value: object) -> int:
    if not isinstance(value, str) or parse_duration(value) not in WINDOWS:
        known = ", ".join(map(format_duration, WINDOWS))
        given = f", not {quoted(value)}" if isinstance(value, str) else ""
        raise ValueError(f"must be one of {known}{given}")
    return int(parse_duration(value))


def _positive(rate: float) -> float:
    if rate <= 0:
        raise ValueError(f"must be above 0, not {rate:g}")
    return rate


def _link(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"must be an http or https URL, not {quoted(text)}")
    return text


def _no_doubles(reasons: list[str]) -> list[str]:
    no_doubles([reason.casefold() for reason in reasons])
    return reasons


def _own_name(name: str) -> str:
    if name == DEFAULT_POLICY.name:
        raise ValueError(f"{name} is the built-in policy: choose another name")
    return name


class BurnRateSection(Section):
    """Enters a tier early, by the burn rate."""

    window: Annotated[int, PlainValidator(_window), DURATION] = Field(
        description=(
            "One of the burn-rate windows: `5m`, `30m`, `1h`, `2h`, `6h`, `1d`, `3d`. It "
            "has no effect on an SLO whose rolling period is not longer than "
            "the window."
        ),
        examples=["1h"],
    )
    above: Annotated[float, Field(allow_inf_nan=False), AfterValidator(_positive)] = Field(
        description="The burn rate above which the tier is in force.", examples=["14.4"]
    )


class TierSection(Section):
    """A tier, in force while more of the budget is left than `above` says."""

    name: Text = Field(description="The `tier` label of its metrics.", examples=["freeze"])
    above: TierPercent | None = Field(
        default=None,
        description=(
            "Percent of the budget that must be left, below 100; may be negative, for a budget "
            "that is overspent. All tiers except the last have it; the last covers the rest."
        ),
        examples=["10"],
    )
    gate: Annotated[Gate, PlainValidator(one_of(dict.fromkeys(Gate))), Kind("gate")] = Field(
        description="What happens to deploys: `allow`, `caution` or `block`.", examples=["block"]
    )
    guidance: Text | None = Field(
        default=None,
        description="What the tier asks people to do.",
        examples=["feature freeze, work on the SLO"],
    )
    link: Annotated[Text, AfterValidator(_link), Kind("URL")] | None = Field(
        default=None,
        description="A page that says more about it.",
        examples=["https://wiki.example.com/freeze"],
    )
    burn_rate: BurnRateSection | None = Field(
        default=None,
        description="Enters the tier early, however much budget is left. Not possible for the "
        "first tier.",
    )

    exemptions: Annotated[list[Text], AfterValidator(_no_doubles)] = Field(
        default=[],
        description=(
            "Reasons for which a deploy is allowed although the gate blocks: "
            "values of the gate's `reason`; case is ignored. Only where `gate` is `block`."
        ),
        examples=["[p0, security]"],
    )

    @field_validator("exemptions")
    @classmethod
    def _from_a_block(cls, exemptions: list[str], info: ValidationInfo) -> list[str]:
        gate = info.data.get("gate", Gate.BLOCK)
        if exemptions and gate != Gate.BLOCK:
            raise ValueError(f"must not be given where gate is {gate}: nothing is blocked")
        return exemptions

    def tier(self) -> Tier:
        """What the policy is given."""
        fast = self.burn_rate
        return Tier(
            self.name,
            float("-inf") if self.above is None else float(self.above / 100),
            Gate(self.gate),
            self.guidance or "",
            self.link,
            BurnRate(fast.window, fast.above) if fast else None,
            tuple(self.exemptions),
        )


class PoliciesSection(Section):
    """An error budget policy of your own, for the SLOs and services that name it.

    The policy `default` applies to all others.
    """

    name: Annotated[Text, AfterValidator(_own_name)] = Field(
        description="Its name, by which SLOs refer to it; unique.", examples=["payments"]
    )
    services: Annotated[list[Text], AfterValidator(no_doubles)] = Field(
        default=[],
        description="Services whose SLOs it applies to, unless they name another by `policy`.",
        examples=["[checkout]"],
    )
    tiers: list[TierSection] = Field(
        description=(
            "From best to worst: each `above` is lower than the one before, and no gate is milder."
        )
    )

    @field_validator("tiers")
    @classmethod
    def _ordered(cls, tiers: list[TierSection]) -> list[TierSection]:
        if not tiers:
            raise ValueError("must have at least one tier")
        names = [tier.name for tier in tiers]
        no_doubles(names)
        if tiers[0].burn_rate:
            raise ValueError(f"{quoted(names[0])} is the first tier and must have no burn_rate")
        *others, last = tiers
        for tier in others:
            if tier.above is None:
                raise ValueError(f"{quoted(tier.name)} needs above: only the last tier has none")
        if last.above is not None:
            raise ValueError(
                f"{quoted(last.name)} is the last tier and must have no above: it takes every "
                "value left"
            )
        _check_falling(others)
        gates = list(Gate)
        for each, next_ in pairwise(tiers):
            if gates.index(Gate(next_.gate)) < gates.index(Gate(each.gate)):
                raise ValueError(
                    f"{quoted(next_.name)} is worse than {quoted(each.name)}, and its gate must "
                    f"not be milder: {next_.gate} after {each.gate}"
                )
        return tiers

    def policy(self) -> Policy:
        """What the SLOs are given, but for what holds for every policy."""
        return Policy(self.name, tuple(tier.tier() for tier in self.tiers))


def _check_falling(tiers: Sequence[TierSection]) -> None:
    for each, next_ in pairwise(tiers):
        if (next_.above or Decimal(0)) >= (each.above or Decimal(0)):
            raise ValueError(
                f"{quoted(next_.name)} must have an above lower than the {each.above} of "
                f"{quoted(each.name)}, not {next_.above}"
            )
