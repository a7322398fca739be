"""Spells of blindness: every process, also one that has just begun, has to agree on what is one."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.sight import Blindness, Sighted, Spells
from tests.support.shop import NOON

SECOND = timedelta(seconds=1)
BLIND = Blindness(after=60 * SECOND)


def seen(behind: float, now: datetime = NOON) -> dict[str, Sighted]:
    return {"shop": Sighted(now - behind * SECOND)}


def test_a_process_that_comes_into_a_spell_does_not_end_it_at_the_brink() -> None:
    fresh = Spells(BLIND, NOON)
    fresh.look(seen(45), ["shop"], NOON)
    assert set(fresh.since) == {"shop"}
    fresh.look(seen(30), ["shop"], NOON)
    assert not fresh.since


def test_at_the_brink_no_spell_begins() -> None:
    spells = Spells(BLIND, NOON)
    spells.look(seen(45), [], NOON)
    assert not spells.since
    spells.look(seen(61), [], NOON)
    assert spells.since == {"shop": NOON}


def test_a_spell_that_another_process_ended_is_not_begun_again_as_the_same() -> None:
    spells = Spells(BLIND, NOON)
    spells.look(seen(61), [], NOON)
    spells.look(seen(61), ["shop"], NOON + SECOND)
    assert spells.since == {"shop": NOON}, "it goes on"
    spells.look(seen(45, NOON + 20 * SECOND), [], NOON + 20 * SECOND)
    assert not spells.since, "ended by another, who saw it well read"
    later = NOON + 40 * SECOND
    blind = seen(61, later)
    spells.look(blind, [], later)
    (notice,) = spells.notices(blind, later)
    assert notice.noticed == later


def test_a_source_that_was_never_read_stays_blind_for_who_has_just_begun_to_look() -> None:
    fresh = Spells(BLIND, NOON)
    never = {"shop": Sighted(None)}
    fresh.look(never, ["shop"], NOON + SECOND)
    assert set(fresh.since) == {"shop"}
    alone = Spells(BLIND, NOON)
    alone.look(never, [], NOON + SECOND)
    assert not alone.since, "it may be read any moment"
    alone.look(never, [], NOON + 61 * SECOND)
    assert set(alone.since) == {"shop"}
