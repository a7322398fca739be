"""Which observations belong together, directly or by way of others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.correlate import DisjointSets, group
from monitor.domain.event import Key, Observation
from tests.support.flows import START


def observed(number: int, *keys: tuple[str, str], flow: str = "f") -> Observation:
    return Observation(flow, "A", START, bytes([number]), tuple(Key(*key) for key in keys))


def test_nothing() -> None:
    assert group([]) == []


def test_a_key_of_its_own_is_a_group_of_its_own() -> None:
    one, two = observed(0, ("order", "1")), observed(1, ("order", "2"))
    assert [g.observations for g in group([one, two])] == [(one,), (two,)]


def test_an_event_with_two_keys_links_what_came_before_and_after() -> None:
    order, payment = observed(0, ("order", "1")), observed(1, ("payment", "p"))
    link, later = observed(2, ("order", "1"), ("payment", "p")), observed(3, ("payment", "p"))
    (linked,) = group([order, payment, link, later])
    assert linked.observations == (order, payment, link, later)
    assert linked.keys == (Key("order", "1"), Key("payment", "p"))


def test_the_same_value_under_another_name_links_nothing() -> None:
    assert len(group([observed(0, ("order", "1")), observed(1, ("payment", "1"))])) == 2


def test_flows_stay_apart() -> None:
    groups = group([observed(0, ("order", "1")), observed(1, ("order", "1"), flow="g")])
    assert [g.flow for g in groups] == ["f", "g"]


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("1234")), min_size=1, max_size=3),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_groups_are_the_connected_parts(keys: list[list[tuple[str, str]]], random: object) -> None:
    observations = [observed(number, *own) for number, own in enumerate(keys)]
    groups = group(observations)
    assert sorted(o.identity for g in groups for o in g.observations) == [o.identity for o in observations]
    seen: set[Key] = set()
    for one in groups:
        assert seen.isdisjoint(one.keys)
        seen.update(one.keys)
        assert one.keys == tuple(sorted({key for o in one.observations for key in o.keys}))
        reached = set(one.observations[0].keys)
        for _ in one.observations:
            for observation in one.observations:
                if reached & set(observation.keys):
                    reached |= set(observation.keys)
        assert reached == set(one.keys)
    backwards = group(observations[::-1])
    assert {g.keys for g in backwards} == {g.keys for g in groups}


def test_disjoint_sets_find_one_root() -> None:
    sets: DisjointSets[int] = DisjointSets()
    for number in range(100):
        sets.union(number, number + 1)
    assert len({sets.find(number) for number in range(101)}) == 1
    assert sets.find(1_000) == 1_000
