"""Postmortems that somebody has taken care of."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.evaluation.books import Books
from exporter.slo.records import Acknowledgement, Incident


def acknowledge(
    books: Books,
    slo: tuple[str, str],
    groups: Mapping[str, str],
    start: int,
    word: Acknowledgement,
) -> Incident | None:
    """Note in the books that the postmortem of an incident is taken care of.

    Args:
        books: what was judged for good.
        slo: service and name.
        groups: the values of the SLO's group_by labels.
        start: when the incident began, Unix seconds.
        word: who says so, and where it is.

    Returns:
        The incident with that; None if there is none that requires a postmortem.
    """
    for row, of in enumerate(books.rows.all):
        asked = books.slos[of.source]
        named = dict(zip(asked.group_by, of.group or (), strict=False))
        judgement = books.judgement(row)
        if (asked.service, asked.name) != slo or named != groups or judgement is None:
            continue
        found = judgement.acknowledged(start, word)
        if found is not None:
            books.note_judgement(row, found)
            return next(one for one in found.incidents if one.start == start)
    return None
