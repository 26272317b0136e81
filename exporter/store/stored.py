"""What the store is given of SLOs, and what it gives back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.ledger.block import Block
from exporter.ledger.history import History, Stretch
from exporter.slo.measured import judged_by, measured
from exporter.slo.model import Slo
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement
from exporter.slo.types import Group, SloIndex


@dataclass(frozen=True, slots=True)
class SloKey:
    """What identifies an SLO in the store: a hash of what is measured, and its names.

    Slots are those of another SLO as soon as one of the three changes. `keep` is how far back they
    are needed, in seconds, and `judged_by` a hash of what its tiers come from: these identify
    nothing.
    """

    measured: str
    service: str
    name: str
    keep: int = field(compare=False)
    judged_by: str = field(default="", compare=False)


def key_of(slo: Slo, keep: int) -> SloKey:
    """What identifies an SLO whose slots are needed for so many seconds."""
    return SloKey(measured(slo), slo.service, slo.name, keep, judged_by(slo))


@dataclass(frozen=True, slots=True)
class StoredSlo:
    """What the store has of one SLO.

    - `history`: its slots.
    - `own`: whether all of it was stored under this very key. Otherwise it is, in part or as a
      whole, that of an SLO that measures the same under another name.
    - `rebuild`: whether all of it has to be asked for again, as some of it is damaged.
    - `final_until`: until when its tiers and incidents are final, Unix seconds; 0 for never.
    - `policy_states`: those tiers and incidents, by group.
    - `resumed`: whether these are others than those in force: they go on from what was set aside
      when the SLO was last judged as it is now.
    """

    history: History
    own: bool
    rebuild: bool = False
    final_until: int = 0
    policy_states: Mapping[Group, PolicyState] = field(default_factory=dict)
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read as blocks: the slots of the SLOs in `plain`, as long as all that is stored of
    one are slots of these lengths (seconds), up to `end` (Unix seconds), without groups and
    maintenance windows."""

    end: int
    slots: Collection[int]
    plain: Collection[SloIndex]


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """Some of the SLOs. The slots of those in `plain` are in the blocks, not in their histories."""

    slos: Mapping[SloIndex, StoredSlo]
    plain: Mapping[SloIndex, StoredSlo]
    blocks: Sequence[Block]


class Taker(Protocol):
    """Takes over what is stored, piece by piece: all of it at once would take memory."""

    def begin(self, end: int) -> Wanted:
        """Hear up to when anything is stored (Unix seconds), and say what is wanted as blocks."""

    def take(self, piece: StoredPiece) -> None:
        """Take over a piece."""


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
