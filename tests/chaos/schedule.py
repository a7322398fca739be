"""Which faults, when, to whom and for how long: drawn from a seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from tests.services.catalogue import Name

_Card = TypeVar("_Card")

INGESTS = ("ingest-1", "ingest-2")
SWEEPS = ("sweep-1", "sweep-2")
OURS = (*INGESTS, *SWEEPS)
SERVICES: tuple[Name, ...] = ("rabbitmq", "kafka", "postgres")
BROKERS = ("rabbitmq", "kafka")
PRODUCERS = ("rabbitmq-producer", "kafka-producer")
RECEIVERS = ("webhook", "mail")


@dataclass(frozen=True)
class Kind:
    """``least`` and ``most``: seconds it lasts; none for what is over at once."""

    name: str
    targets: tuple[str, ...]
    least: float = 0.0
    most: float = 0.0


KINDS: tuple[Kind, ...] = (
    Kind("kill", INGESTS),
    Kind("kill", SWEEPS),
    Kind("terminate", OURS),
    Kind("freeze", OURS, 1.0, 9.0),
    Kind("server restart", SERVICES, 0.0, 3.0),
    Kind("server kill", SERVICES, 0.0, 3.0),
    Kind("server freeze", SERVICES, 1.0, 6.0),
    Kind("postgres immediate shutdown", ("postgres",), 0.0, 2.0),
    Kind("postgres backend kill", ("postgres",)),
    Kind("sessions terminated", ("postgres",)),
    Kind("statements cancelled", ("postgres",)),
    Kind("tables locked", ("postgres",), 1.0, 5.0),
    Kind("rows locked", ("postgres",), 1.0, 4.0),
    Kind("link reset", SERVICES),
    Kind("link stalled", SERVICES, 1.0, 8.0),
    Kind("link half open", SERVICES, 2.0, 10.0),
    Kind("link late", SERVICES, 3.0, 8.0),
    Kind("link slow", SERVICES, 3.0, 8.0),
    Kind("producer reset", PRODUCERS),
    Kind("messages again", BROKERS),
    Kind("rebalance", ("ingest-3",), 2.0, 8.0),
    Kind("receiver fails", RECEIVERS, 2.0, 8.0),
    Kind("receiver hangs", ("webhook",), 2.0, 8.0),
)
"""Everything that can go wrong."""

TELLING: tuple[tuple[str, str, float], ...] = (
    ("kill", "ingest-1", 0.0),
    ("kill", "sweep-2", 0.0),
    ("producer reset", "rabbitmq-producer", 0.0),
    ("server kill", "postgres", 0.5),
    ("link reset", "rabbitmq", 0.0),
    ("freeze", "ingest-2", 3.0),
    ("rows locked", "postgres", 1.0),
    ("link reset", "kafka", 0.0),
    ("server kill", "rabbitmq", 0.0),
)
"""A handful for the short run, in this order."""


@dataclass(frozen=True)
class Fault:
    """``at``: seconds after the first event. ``luck``: a number of its own for whatever else is drawn."""

    at: float
    kind: str
    target: str
    seconds: float
    luck: int

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:6.1f} s  {self.kind} of {self.target}{lasting}"


def draw(seed: int, count: int, every: float) -> list[Fault]:
    """``count`` faults, ``every`` so many seconds on average. Each kind, and each target of a kind, comes
    up as often as any other, give or take one."""
    random = Random(seed)
    kinds, targets = _dealt(random, KINDS), {kind: _dealt(random, kind.targets) for kind in KINDS}
    faults = []
    at = every
    for _ in range(count):
        kind = next(kinds)
        seconds = round(random.uniform(kind.least, kind.most), 1)
        faults.append(Fault(round(at, 1), kind.name, next(targets[kind]), seconds, random.getrandbits(32)))
        at += random.uniform(0.2, 1.8) * every
    return faults


def telling(seed: int, every: float) -> list[Fault]:
    """The short run's."""
    random = Random(seed)
    return [
        Fault(round((number + 1) * every, 1), kind, target, seconds, random.getrandbits(32))
        for number, (kind, target, seconds) in enumerate(TELLING)
    ]


def _dealt(random: Random, cards: Sequence[_Card]) -> Iterator[_Card]:
    """All cards, shuffled, again and again."""
    while True:
        deck = list(cards)
        random.shuffle(deck)
        yield from deck
