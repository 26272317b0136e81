"""Overrides in the store. They are few: all of them are read, and written, together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from exporter.slo.overrides import OFFLINE, OverrideLimits, check
from exporter.slo.records import Override
from exporter.store.session import Session

SAME = 60.0
"""How far apart (seconds) two overrides are at the most that are one, told to two daemons."""

COLUMNS = 'id, service, slo, "by", why, start, until'


def read(session: Session) -> tuple[Override, ...]:
    """All that are stored, oldest first."""
    if not session.has("tier_change"):  # of version 1, which had no overrides either
        return ()
    rows = session.execute(f"SELECT {COLUMNS} FROM override ORDER BY id").fetchall()  # noqa: S608 - ours
    return tuple(
        Override(service, slo, by, why, start, until, id_)
        for id_, service, slo, by, why, start, until in rows
    )


def write(session: Session, overrides: Iterable[Override]) -> None:
    """Store these in place of all others."""
    rows = [(o.id, o.service, o.slo, o.by, o.why, o.start, o.until) for o in overrides]
    session.execute("DELETE FROM override")
    session.executemany(
        f"INSERT INTO override ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
        rows,
    )


def add(
    session: Session,
    new: Override,
    own: Sequence[Override],
    limits: OverrideLimits,
    since: float,
) -> tuple[Override, tuple[Override, ...]]:
    """Record an override among all there are; see `Store.add_override`.

    Raises:
        OverrideError, QuotaError: it is beyond the limits.
    """
    before = together(read(session), own, since)
    made = alike(new, before)
    if made is None:
        made = numbered(new, before)
        check(made, before, limits)
        before = (*before, made)
    write(session, before)
    return made, before


def together(
    stored: Sequence[Override], own: Iterable[Override], since: float
) -> tuple[Override, ...]:
    """What is stored and what one daemon has, oldest first; without what ended by `since`.

    One that was ended early stays so. Where two have the same id, the stored one keeps it.
    """
    found = {each.id: each for each in stored}
    for each in own:
        there = found.get(each.id)
        if there is not None and replace(there, until=each.until) == each:
            found[each.id] = replace(there, until=min(there.until, each.until))
        elif alike(each, stored) is None:
            number = each if there is None else numbered(each, found.values())
            found[number.id] = number
    return tuple(found[id_] for id_ in sorted(found) if found[id_].until > since)


def alike(new: Override, others: Iterable[Override]) -> Override | None:
    """The override that says the same: one is often told to each of several daemons."""
    return next(
        (
            each
            for each in others
            if replace(each, id=new.id, start=new.start, until=new.until) == new
            and abs(each.start - new.start) < SAME
            and abs(each.until - new.until) < SAME
        ),
        None,
    )


def numbered(new: Override, before: Iterable[Override]) -> Override:
    """An override with the next id."""
    taken = [each.id for each in before if each.id < OFFLINE]
    return replace(new, id=1 + max(taken, default=0))
