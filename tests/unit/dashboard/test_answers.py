"""JSON answers hold whatever a producer sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitor.dashboard.answers import answer
from monitor.domain.event import Key


@dataclass(frozen=True)
class Row:
    name: str
    keys: tuple[Key, ...]
    more: dict[str, list[str]]


class Part(NamedTuple):
    rows: list[Row]
    next: str | None


def told(content: object) -> Any:
    return json.loads(bytes(answer(content).body).decode())


def test_half_a_surrogate_pair_does_not_spoil_the_rest() -> None:
    half = "a\ud800b"
    row = Row(half, (Key("order", half),), {half: [half, "\U0001f600"]})
    shown = "a\ufffdb"
    expected = {
        "rows": [
            {
                "name": shown,
                "keys": [{"name": "order", "value": shown}],
                "more": {shown: [shown, "\U0001f600"]},
            }
        ],
        "next": None,
    }
    assert told(Part([row], None)) == expected


def test_hidden_characters_are_data() -> None:
    assert told({"a": "\x00\u202e<script>"}) == {"a": "\x00\u202e<script>"}
