"""Chips are written once and are inert whatever their words are."""

from __future__ import annotations

import pytest

from monitor.dashboard.signs import PATHS, chip, icon


def test_a_chip_says_its_word_beside_its_icon() -> None:
    told = chip("bad", "warn", "2 deviations", "One more is checked")
    assert told == (f'<span class="chip bad" title="One more is checked">{icon("warn")}2 deviations</span>')
    assert "title" not in chip("ok", "ok", "Conforming")


def test_words_are_escaped_and_spelled_out() -> None:
    told = chip("ok", "ok", "<b>\u202e", '"<i>')
    assert "&lt;b&gt;\\u202e" in told
    assert 'title="&#34;&lt;i&gt;"' in told


def test_every_icon_can_be_drawn_and_others_are_an_error() -> None:
    assert all(path in icon(name) for name, path in PATHS.items())
    with pytest.raises(KeyError):
        icon("none of them")
