"""Which series of a soak count as flat: a leak must not, noise and saws must."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.soak.flat import Bound, Samples, judge, slope

MEMORY = Bound(share=0.05, least=3.0)
HOUR = range(0, 3600, 10)


def series(value: float, growth: float = 0.0, noise: float = 0.0, seed: int = 1) -> Samples:
    """``growth`` over the hour."""
    random = Random(seed)
    return [(at, value + growth * at / 3600 + noise * random.gauss(0, 1)) for at in HOUR]


def test_a_leak_is_told() -> None:
    """200 MB that grow by 20 in an hour: six bytes an event at a thousand a second."""
    verdict = judge(series(200, growth=20, noise=4), MEMORY)
    assert not verdict.flat
    assert verdict.growth == pytest.approx(15, abs=1.5)  # over the three quarters that count


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_leak(seed: int) -> None:
    assert judge(series(200, noise=10, seed=seed), MEMORY).flat


def test_what_fills_in_the_first_quarter_is_no_leak() -> None:
    filling = [(at, min(200.0, 50 + at / 5)) for at in HOUR]
    assert judge(filling, MEMORY).flat


def test_one_of_a_few_leaked_every_ten_minutes_is_told() -> None:
    handles = [(float(at), 40.0 + at // 600) for at in HOUR]
    assert not judge(handles, Bound(share=0.0, least=2.0)).flat


def test_a_saw_is_flat_and_a_rising_saw_is_not() -> None:
    saw = [(float(at), 1000.0 + at % 300) for at in HOUR]
    assert judge(saw, Bound(0.05, 0)).flat
    rising = [(at, value + at / 10) for at, value in saw]
    assert not judge(rising, Bound(0.05, 0)).flat


def test_wild_samples_do_not_hide_a_leak_nor_make_one() -> None:
    random = Random(7)

    def wild(samples: Samples) -> Samples:
        return [(at, value * 10 if random.random() < 0.2 else value) for at, value in samples]

    assert not judge(wild(series(200, growth=40)), MEMORY).flat
    assert judge(wild(series(200)), MEMORY).flat


def test_falling_is_no_leak() -> None:
    assert judge(series(200, growth=-100), MEMORY).flat


def test_quarters_tell_least_middle_and_most() -> None:
    verdict = judge([(0, 1), (1, 3), (10, 5), (11, 5), (20, 7), (21, 8), (30, 9), (40, 2)], MEMORY)
    assert [(one.least, one.middle, one.most) for one in verdict.quarters] == [
        (1, 2, 3),
        (5, 5, 5),
        (7, 7.5, 8),
        (2, 5.5, 9),
    ]


def test_a_slope_needs_two_instants() -> None:
    with pytest.raises(ValueError, match="two instants"):
        slope([(1, 1), (1, 2)])
