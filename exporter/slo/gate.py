"""The deploy gate: may a service be deployed now, and why (not)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum

from exporter.slo import figures
from exporter.slo.burning import sentence, worst_severity
from exporter.slo.durations import format_duration
from exporter.slo.outlook import spent_in
from exporter.slo.overrides import in_force
from exporter.slo.policy import Gate, Policy, Tier
from exporter.slo.records import Override, TierChange
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.slo.statuses import of_slos, slos_of


class Decision(StrEnum):
    """What becomes of a deploy; worse ones come later.

    Of several SLOs the worst decides: one that blocks blocks, whatever is unknown of the others.
    """

    ALLOW = "allow"
    CAUTION = "caution"
    UNKNOWN = "unknown"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class SloDecision:
    """The decision for one SLO (with `group_by`: one group of it).

    - `tier`, `policy`, `since` (Unix seconds), `guidance`, `link`: of the tier in force, None
      where there is none.
    - `why`: the decision in words.
    - `exempted` and `overridden`: what would not have been allowed is, for the reason that was
      given or by `override`, which is the one in force.
    - `exemptions`: the reasons that pass, while the tier blocks.
    - `exhaustion_seconds`: until the budget is spent if what holds now goes on.
    - `recovery`: when the tier gets better if nothing more fails, Unix seconds.
    - `held`: why the tier may be out of date, in words.
    """

    slo: str
    groups: Mapping[str, str]
    decision: Decision
    why: str
    policy: str
    tier: str | None
    since: int | None
    guidance: str | None
    link: str | None
    exempted: bool
    exemptions: tuple[str, ...]
    overridden: bool
    override: Override | None
    remaining: float | None
    exhaustion_seconds: float | None
    recovery: float | None
    state: DataState
    held: str | None


@dataclass(frozen=True, slots=True)
class ServiceDecision:
    """The decision for a service, or for one SLO of it: the worst of `slos`, worst first.

    `slo` and `reason` are as they were asked. `at` is the slot boundary that the figures are of,
    Unix seconds; None before the first evaluation.
    """

    service: str
    slo: str | None
    reason: str | None
    at: int | None
    decision: Decision
    why: str
    slos: tuple[SloDecision, ...]


def decide(
    snapshot: Snapshot,
    service: str,
    slo: str | None = None,
    *,
    reason: str | None = None,
    overrides: Sequence[Override] = (),
    now: float,
) -> ServiceDecision:
    """The decision for a service, or for one SLO of it with all its groups.

    Args:
        snapshot: how the SLOs are.
        service: the service to be deployed.
        slo: only this one of its SLOs.
        reason: what the deploy is for; one that the tier exempts passes.
        overrides: those that are kept, in force or not.
        now: Unix seconds.
    """
    of_service = of_slos(snapshot.slos, lambda each: each.service == service)
    asked = [status for status in of_service if slo in (None, status.slo.name)]
    found = sorted(
        (decide_slo(status, reason=reason, overrides=overrides, now=now) for status in asked),
        key=lambda one: tuple(Decision).index(one.decision),
        reverse=True,
    )
    if found:
        decision, why = found[0].decision, _name(found[0]) + found[0].why
    else:
        decision, why = Decision.UNKNOWN, _absent(snapshot, service, slo, of_service)
    return ServiceDecision(
        service=service,
        slo=slo,
        reason=reason,
        at=snapshot.at or None,
        decision=decision,
        why=why,
        slos=tuple(found),
    )


def _name(one: SloDecision) -> str:
    groups = "".join(f" {label}={value}" for label, value in one.groups.items())
    return f"{one.slo}{groups}: "


def _absent(
    snapshot: Snapshot, service: str, slo: str | None, of_service: Sequence[SloStatus]
) -> str:
    if not snapshot.at:
        return "There is no evaluation yet, or no recent one."
    if not of_service:
        names = {each.service for each in slos_of(snapshot.slos)}
        return f"No SLO of service {service!r} is known{_meant(service, names)}"
    names = {status.slo.name for status in of_service}
    return f"{service} has no SLO {slo!r}{_meant(str(slo), names)}"


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f": did you mean {near[0]!r}?" if near else "."


def standing_gate(status: SloStatus) -> Gate | None:
    """The gate of the tier, or what holds while a page fires, whichever is stricter.

    It is None without a tier. Overrides and reasons are left out.
    """
    if status.tier is None:
        return None
    return gate_in(status.slo.policy, status.tier, paging=worst_severity(status) == "page")


def gate_in(policy: Policy, tier: Tier, *, paging: bool) -> Gate:
    """What the gate says in a tier, and while a page fires."""
    if not paging:
        return tier.gate
    return max(tier.gate, policy.while_paging, key=tuple(Gate).index)


def decide_slo(
    status: SloStatus, *, reason: str | None = None, overrides: Sequence[Override] = (), now: float
) -> SloDecision:
    """The decision for one SLO; the arguments are those of `decide`.

    A tier that is held, since the data are stale or little is known, keeps its decision, and that
    is said. Without any tier the decision is unknown. An override passes what blocks and what is
    unknown; a reason passes what blocks.
    While a page fires the decision is at least the policy's `while_paging`; what burns is said.
    """
    tier, slo = status.tier, status.slo
    burning = sentence(status, now) if worst_severity(status) == "page" else None
    gate = standing_gate(status)
    decision = Decision(gate) if gate else Decision.UNKNOWN
    blocked = decision is Decision.BLOCK
    held = status.tier_status.held
    why = [_in_tier(status, tier) if tier else "Nothing of the period is known yet."]
    if burning:
        why.append(f"A page fires: {burning}.")
    exempted = overridden = False
    if reason is not None:
        exempted = blocked and tier is not None and _among(reason, tier.exemptions)
        why += _of_reason(status, reason, exempted=exempted, blocked=blocked)
    override = in_force(overrides, slo.service, slo.name, now)
    if override and not exempted and decision in (Decision.BLOCK, Decision.UNKNOWN):
        overridden = True
        word = override.why.rstrip(".")
        why.append(f"{override.by} overrides it until {_time(override.until)}: {word}.")
    if held and tier:
        cause = f": {status.problem}" if status.state is DataState.INVALID else ""
        why.append(f"The tier is held: {held}{cause}.")
    elif status.state is DataState.INVALID:
        why = [f"Its figures cannot be right: {status.problem}.", *why[1:]]
    return SloDecision(
        slo=slo.name,
        groups=status.groups,
        decision=Decision.ALLOW if exempted or overridden else decision,
        why=" ".join(why),
        policy=slo.policy.name,
        tier=tier.name if tier else None,
        since=status.tier_status.since,
        guidance=tier.guidance if tier else None,
        link=tier.link if tier else None,
        exempted=exempted,
        exemptions=tier.exemptions if tier and blocked else (),
        overridden=overridden,
        override=override,
        remaining=status.budget.remaining if status.budget else None,
        exhaustion_seconds=status.exhaustion_seconds,
        recovery=status.tier_status.recovery,
        state=status.state,
        held=held,
    )


def _in_tier(status: SloStatus, tier: Tier) -> str:
    """What tier it is in, since when and for which figures."""
    tier_status = status.tier_status
    text = f"In tier {figures.words(tier.name)}"
    if tier_status.since is not None:
        text += f" since {_time(tier_status.since)}"
    now = f"{figures.left(status.budget.remaining)} of the budget is left" if status.budget else ""
    soon = spent_in(status)
    if soon is not None:
        now += f", which is spent in {soon} if things go on like this"
    last = tier_status.changes[-1] if tier_status.changes else None
    if last is None or last.after != tier.name:
        return f"{text}: {now}." if now else f"{text}."
    text += f", entered with {_figures(last)}"
    return f"{text}; now {now}." if now else f"{text}."


def _figures(change: TierChange) -> str:
    budget = f"{figures.left(change.remaining)} of the budget"
    if change.window is None or change.burn_rate is None:
        return budget
    rate = figures.number(change.burn_rate)
    return f"a burn rate of {rate} over {format_duration(change.window)}, {budget}"


def _of_reason(status: SloStatus, reason: str, *, exempted: bool, blocked: bool) -> Iterable[str]:
    """What is to be said of the reason that was given."""
    every = dict.fromkeys(name for tier in status.slo.policy.tiers for name in tier.exemptions)
    if exempted:
        yield f"The tier exempts {reason!r}."
    elif not _among(reason, every):
        known = f"known are {', '.join(every)}" if every else "the policy has none"
        yield f"The reason {reason!r} is not known: {known}."
    elif blocked:
        yield f"The tier does not exempt {reason!r}."


def _among(reason: str, exemptions: Iterable[str]) -> bool:
    return reason.casefold() in (name.casefold() for name in exemptions)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
