"""What the store is given of SLOs, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.ledger.history import History, Stretch
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement
from exporter.slo.types import Group, SloIndex


@dataclass(frozen=True, slots=True)
class SloKey:
    """What identifies an SLO in the store: a hash of what is measured, and its names.

    Slots are those of another SLO as soon as one of the three changes. `keep` is how far back they
    are needed, in seconds, and identifies nothing.
    """

    measured: str
    service: str
    name: str
    keep: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class StoredSlo:
    """What the store has of one SLO.

    - `history`: its slots.
    - `own`: whether all of it was stored under this very key. Otherwise it is, in part or as a
      whole, that of an SLO that measures the same under another name.
    - `rebuild`: whether all of it has to be asked for again.
    - `final_until`: until when its tiers and incidents are final, Unix seconds; 0 for never.
    - `policy_states`: those tiers and incidents, by group.
    """

    history: History
    own: bool
    rebuild: bool = False
    final_until: int = 0
    policy_states: Mapping[Group, PolicyState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChunkChange:
    """Slots to store: a stretch within chunk `number` of an SLO, one series per group."""

    slo_index: SloIndex
    number: int
    groups: Sequence[Group]
    stretch: Stretch


@dataclass(frozen=True, slots=True)
class PolicyStates:
    """Tiers and incidents to store.

    - `final_until`: until when those of each SLO are final, Unix seconds, by its index.
    - `changed`: those that differ from what the store has, by SLO and group.
    """

    final_until: Sequence[int] = ()
    changed: Mapping[tuple[SloIndex, Group], PolicyState] = field(default_factory=dict)


SeriesKey = tuple[SloIndex, Group]
"""A series: its SLO's index, and its group."""


@dataclass(frozen=True, slots=True)
class SharedRecords:
    """What others that share the store have stored of policy states, in short.

    `first_changes` are when the oldest change of tier was (Unix seconds), `acknowledged` the
    postmortems that are taken care of, by when their incident began.
    """

    first_changes: Mapping[SeriesKey, int] = field(default_factory=dict)
    acknowledged: Mapping[SeriesKey, Mapping[int, Acknowledgement]] = field(default_factory=dict)
