"""Which services the series of a metric are of, and how each is selected. Pure.

A row is one combination of a metric's labels that name services, tell outcomes, or are there twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.prometheus.selectors import Matcher
from exporter.suggest.kinds import CLUSTER, ENVIRONMENT

Labels = Mapping[str, str]

FEDERATED = ("exported_job", "job")


@dataclass(frozen=True, slots=True)
class Identity:
    """A service before it has a name of its own: the parts of its name, and its matchers."""

    name: str
    scopes: tuple[str, str, str]
    matchers: tuple[Matcher, ...]


@dataclass(slots=True)
class Service:
    """A service under one metric: its rows, and what was chosen among them, in words."""

    identity: Identity
    rows: list[Labels] = field(default_factory=list)
    extra: tuple[Matcher, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """What selects its series."""
        return self.identity.matchers + self.extra

    def values(self, label: str) -> set[str]:
        """The values of a label among its rows."""
        return {row.get(label, "") for row in self.rows}

    def among(self, rows: Iterable[Labels], ids: Iterable[str]) -> list[Labels]:
        """Those of some rows that agree with one of its own in some labels."""
        labels = sorted(ids)
        own = {tuple(row.get(label, "") for label in labels) for row in self.rows}
        return [row for row in rows if tuple(row.get(label, "") for label in labels) in own]


def identify(
    row: Labels, service: Sequence[str], namespace: Sequence[str], named: str = ""
) -> Identity | None:
    """Who a row is of; None if no label tells.

    Args:
        row: labels and their values.
        service, namespace: labels in the order in which they are asked.
        named: a regular expression whose group 1 is the name in the label's value.
    """
    label = next((each for each in service if row.get(each)), None)
    if label is None:
        return None
    value = row[label]
    match = re.fullmatch(named, value) if named else None
    name = match[1] if match else value
    found = [_first(row, labels) for labels in (namespace, CLUSTER, ENVIRONMENT)]
    matchers = [Matcher(label, "=", value)]
    matchers += [Matcher(each, "=", row[each]) for each in found if each and each != label]
    scopes = [row[each] if each else "" for each in found]
    if label in FEDERATED:
        # Pod monitors and OpenTelemetry write the namespace before the name.
        before, slash, after = name.partition("/")
        if slash and before and after and "/" not in after:
            name, scopes[0] = after, scopes[0] or before
    return Identity(_tidy(name), (scopes[0], scopes[1], scopes[2]), tuple(matchers))


def _first(row: Labels, labels: Iterable[str]) -> str | None:
    return next((each for each in labels if row.get(each)), None)


def _tidy(name: str) -> str:
    """A name that can stand in `SERVICE/SLO`, and in front of a line."""
    return re.sub(r"[\s/]+", ".", name.strip().strip("/")) or "unnamed"


def services(
    rows: Iterable[Labels],
    service: Sequence[str],
    namespace: Sequence[str],
    named: str = "",
    one_of: tuple[str, Sequence[str]] | None = None,
) -> tuple[list[Service], int]:
    """The services of a metric's rows, and how many rows are of none.

    What is there twice is counted once: by federation, and by two that report the same (`one_of`).
    """
    found: dict[tuple[str, tuple[str, str, str]], dict[Identity, Service]] = defaultdict(dict)
    nobodys = 0
    for row in rows:
        identity = identify(row, service, namespace, named)
        if identity is None:
            nobodys += 1
            continue
        same = found[identity.name, identity.scopes]
        same.setdefault(identity, Service(identity)).rows.append(row)
    chosen = [_one(list(same.values()), service) for same in found.values()]
    for each in chosen:
        _without_federated(each)
        if one_of is not None:
            _by_one(each, *one_of)
    return chosen, nobodys


def _one(same: list[Service], labels: Sequence[str]) -> Service:
    """One of several ways to select what has the same name; the preferred label's, said so."""
    if len(same) == 1:
        return same[0]
    order = {label: place for place, label in enumerate(labels)}

    def rank(each: Service) -> tuple[bool, int, int]:
        label = each.identity.matchers[0].label
        return label == "exported_job", order.get(label, len(order)), -len(each.rows)

    best = min(same, key=rank)
    for other in same:
        if other is not best:
            text = ",".join(map(str, other.identity.matchers))
            best.notes.append(f"series with {{{text}}} have the same name and are left out")
    return best


def _without_federated(service: Service) -> None:
    """Leave out what another Prometheus has scraped, where the target is scraped here as well."""
    exported = service.values("exported_job")
    direct = {row["job"] for row in service.rows if row.get("job") and not row.get("exported_job")}
    if direct & exported:
        _narrow(service, Matcher("exported_job", "=", ""))
        service.notes.append(
            "also there by federation (exported_job), which is left out: it would count twice"
        )


def _by_one(service: Service, label: str, preferred: Sequence[str]) -> None:
    values = service.values(label)
    best = next((value for value in preferred if value in values), None)
    if best is None:
        return
    _narrow(service, Matcher(label, "=", best))
    if best != preferred[0]:
        service.notes.append(f"there is no {label} {preferred[0]}: {best} is counted")


def choose_replica(service: Service, label: str) -> None:
    """Count one of the replicas that scrape the same, which a label tells apart."""
    values = sorted(service.values(label) - {""})
    if len(values) > 1:
        _narrow(service, Matcher(label, "=", values[0]))
        service.notes.append(
            f"{label} {' and '.join(values)} hold the same series: {values[0]} is counted; "
            "ask a deduplicating Thanos or Mimir instead, so that neither is missed"
        )


def _narrow(service: Service, matcher: Matcher) -> None:
    service.extra += (matcher,)
    service.rows = [row for row in service.rows if row.get(matcher.label, "") == matcher.value]


def names(identities: Collection[tuple[str, tuple[str, str, str]]]) -> dict[object, str]:
    """A name of its own for each service: with namespace, cluster or environment where needed.

    Args:
        identities: pairs of name and scopes.
    """
    by_name: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for name, scopes in identities:
        by_name[name].add(scopes)
    result: dict[object, str] = {}
    for name, all_scopes in by_name.items():
        differ = [place for place in range(3) if len({each[place] for each in all_scopes}) > 1]
        for scopes in all_scopes:
            parts = [scopes[place] for place in differ if scopes[place]]
            result[name, scopes] = ".".join([name, *map(_tidy, parts)])
    return result
