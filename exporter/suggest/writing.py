"""Suggestions as a configuration that explains itself. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

from exporter.slo.durations import format_duration
from exporter.slo.figures import left, number
from exporter.specs.writing import section_text, slos_text
from exporter.suggest.candidates import Candidate, Sli
from exporter.suggest.objectives import Skipped, Suggestion

WIDTH = 96
"""Of comments, in characters."""

_HEAD = """\
Suggested from what {url} had on {day}, and from its last {last}. \
An objective is the strictest that people say and that this past has met: what was, which is not \
always what users need. Talk about each with those who own the service.

Next: error-budget-exporter check --live --config.file=FILE, and backtest --config.file=FILE to \
see each with other objectives. Then give each SLO labels for whoever is paged: owner, runbook, \
criticality.
"""


def slo_entry(candidate: Candidate, sli: Sli, objective: str) -> dict[str, object]:
    """An entry of `slos`."""
    entry: dict[str, object] = {
        "service": candidate.service,
        "name": candidate.name,
        "objective": objective,
        "sli": sli,
    }
    if candidate.group_by:
        entry["group_by"] = list(candidate.group_by)
    if candidate.max_groups:
        entry["max_groups"] = str(candidate.max_groups)
    return entry


def configuration(
    suggestions: Sequence[Suggestion],
    skipped: Sequence[Skipped],
    others: Iterable[str],
    *,
    prometheus: Mapping[str, object],
    day: str,
    last: int,
) -> str:
    """The file: where Prometheus is, the SLOs with the reasons of each, and what was skipped.

    Args:
        suggestions: of each service together.
        skipped: what was measured and is not suggested.
        others: what else was found and could not be measured.
        prometheus: the section of this name.
        day: when it was made.
        last: how long the past was, in seconds.
    """
    head = _HEAD.format(url=prometheus["url"], day=day, last=format_duration(last))
    lines = [line for part in head.split("\n") for line in (_wrapped(part) or [""])]
    parts = ["".join(f"# {line}".rstrip() + "\n" for line in lines).rstrip("#\n"), "\n\n"]
    parts.append(section_text({"prometheus": dict(prometheus)}))
    parts.append("\n")
    entries = [slo_entry(each.candidate, each.sli, each.objective) for each in suggestions]

    def comments(index: int) -> list[str]:
        return list(_reasons(suggestions[index]))

    parts.append(slos_text(entries, comments, apart=True))
    told = [_skipped(each) for each in skipped]
    told += [_clean(each) for each in others]
    if told:
        parts.append("\n# Skipped:\n")
        for text in dict.fromkeys(told):
            first, *more = _wrapped(text, 2)
            parts.append(f"# - {first}\n" + "".join(f"#   {line}\n" for line in more))
    return "".join(parts)


def _reasons(suggestion: Suggestion) -> Iterable[str]:
    candidate = suggestion.candidate
    yield from _wrapped(f"{_was(suggestion)} {_means(suggestion)}")
    if suggestion.missing:
        yield from _wrapped(f"Left out, as they miss it by far: {', '.join(suggestion.missing)}.")
    notes = "; ".join((f"{candidate.metric} ({candidate.kind})", *candidate.notes))
    yield from _wrapped(f"{notes}.")


def _was(suggestion: Suggestion) -> str:
    candidate, known = suggestion.candidate, format_duration(_rough(suggestion.known))
    good = _share(1 - suggestion.bad / suggestion.total) if suggestion.bad else "all"
    if candidate.timed:
        return f"For {good} of the last {known}, {candidate.words(suggestion.bound)}."
    how = candidate.words(suggestion.bound) if suggestion.bound else "succeeded"
    total = f"{suggestion.total:,.0f} {candidate.what}"
    return f"{good} of {total} in the last {known} {how}.".capitalize()


def _means(suggestion: Suggestion) -> str:
    objective, candidate = suggestion.objective, suggestion.candidate
    if suggestion.bad:
        spent = f"With {objective}, {left(suggestion.spent)} of the budget was spent"
        return f"{spent}{_pages(suggestion.pages)}."
    if candidate.timed or suggestion.bound:
        return f"It was never worse: {objective} is a start."
    return f"None failed, or failures are not counted: make sure of that. {objective} is a start."


def _pages(count: int | None) -> str:
    if count is None:
        return ""
    return f", with {count} page{'' if count == 1 else 's'}" if count else ", without a page"


def _share(ratio: float) -> str:
    """A share of what is good, never rounded up to what it is not: `99.899%`."""
    for digits in range(3, 9):
        share = Decimal(repr(ratio * 100)).quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)
        if share < 100:
            return f"{share.normalize():f}%"
    return f"all but {number(1 - ratio)}"


def _rough(seconds: float) -> int:
    """A length of time to the day, or the hour, or the minute."""
    for unit in (86_400, 3_600):
        if seconds >= 2 * unit:
            return int(round(seconds / unit) * unit)
    return max(60, int(seconds // 60 * 60))


def _skipped(skipped: Skipped) -> str:
    candidate = skipped.candidate
    return _clean(f"{candidate.service}/{candidate.name} ({candidate.metric}): {skipped.why}")


def _clean(text: str) -> str:
    """A text that can stand in a comment: on one line, and of what can be printed."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in line)


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(
        _clean(text), WIDTH - indent, break_long_words=False, break_on_hyphens=False
    )
