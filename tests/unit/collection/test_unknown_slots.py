"""Why slots are not known, and when they prove that an SLO cannot be right."""

from __future__ import annotations

from exporter.collection.slot_range import SlotRange
from exporter.collection.unknown_slots import Reason, UnknownSlots
from exporter.slo.types import HOUR, SloIndex

SLO = SloIndex(0)
SPAN = SlotRange(0, 300, 30)


def noted(**reasons: Reason) -> UnknownSlots:
    """Reasons by the ends of slots: `at_60=...`."""
    kept = UnknownSlots()
    by_slot = {(int(end.removeprefix("at_")), ()): why for end, why in reasons.items()}
    kept.note(SLO, SPAN, by_slot)
    return kept


def test_one_proof_is_enough_and_holds_for_an_hour():
    """Then the slot is unknown, and nothing else."""
    kept = noted(at_60=Reason("above 1", proof=1))
    assert kept.invalid(60) == {SLO: {(): "above 1"}}
    assert kept.invalid(59 + HOUR) == {SLO: {(): "above 1"}}
    assert kept.invalid(60 + HOUR) == {}


def test_thirds_add_up():
    """The newest is told."""
    third = {"proof": 1 / 3, "holds": 7_200}
    kept = noted(at_30=Reason("a", **third), at_60=Reason("b", **third))
    assert kept.invalid(90) == {}
    kept.noting(SLO, SPAN, ())(2, Reason("c", **third))
    assert kept.invalid(90) == {SLO: {(): "c"}}
    assert kept.invalid(30 + 7_200) == {}


def test_what_is_only_unknown_proves_nothing():
    """However much of it there is."""
    kept = noted(**{f"at_{end}": Reason("refused") for end in range(30, 301, 30)})
    assert kept.invalid(300) == {}
    assert kept.newest(0) == {SLO: "refused"}


def test_a_newer_answer_takes_reasons_back():
    """Late samples may have made it right."""
    kept = noted(at_60=Reason("above 1", proof=1))
    kept.note(SLO, SPAN, {})
    assert kept.invalid(60) == {}


def test_groups_are_proven_wrong_each_for_itself():
    """One region's mistake is not the others'."""
    kept = UnknownSlots()
    third = Reason("fell", proof=1 / 3)
    slots = [*((end, ("eu",)) for end in (30, 60, 90)), (30, ("us",)), (60, ("us",))]
    kept.note(SLO, SPAN, dict.fromkeys(slots, third))
    assert kept.invalid(90) == {SLO: {("eu",): "fell"}}
    assert kept.among(SLO, SPAN) == {0, 1, 2}
