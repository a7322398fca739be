"""What is drawn depends on the seed alone, and leaves nothing out."""

from __future__ import annotations

from collections import Counter

from tests.chaos.faults import KNOWN
from tests.chaos.schedule import KINDS, TELLING, draw


def test_the_same_seed_draws_the_same_faults_and_another_one_others() -> None:
    assert draw(3, 60, 9.0) == draw(3, 60, 9.0)
    assert draw(3, 60, 9.0) != draw(4, 60, 9.0)


def test_every_kind_is_drawn_as_often_as_any_other() -> None:
    rounds = 3
    drawn = Counter(fault.kind for fault in draw(5, rounds * len(KINDS), 9.0))
    wanted: Counter[str] = Counter()
    for kind in KINDS:
        wanted[kind.name] += rounds
    assert drawn == wanted


def test_every_target_of_a_kind_has_its_turn() -> None:
    drawn = {(fault.kind, fault.target) for fault in draw(5, 4 * len(KINDS), 9.0)}
    assert drawn == {(kind.name, target) for kind in KINDS for target in kind.targets}


def test_faults_come_one_after_another_and_last_as_long_as_their_kind() -> None:
    faults = draw(6, 100, 9.0)
    assert [one.at for one in faults] == sorted(one.at for one in faults)
    allowed = {(kind.name, target): kind for kind in KINDS for target in kind.targets}
    assert all((kind := allowed[one.kind, one.target]).least <= one.seconds <= kind.most for one in faults)


def test_whatever_is_drawn_can_be_done() -> None:
    assert {kind.name for kind in KINDS} == KNOWN
    assert {kind for kind, _, _ in TELLING} <= KNOWN
