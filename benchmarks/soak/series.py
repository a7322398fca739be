"""Which series are made of the samples, and which of them have to be flat. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from benchmarks.soak.flat import Bound, Samples, Verdict, judge

Sample = Mapping[str, float]
"""Figures by name; ``at``: seconds since the beginning."""

ROLES = ("ingest", "sweep", "dashboard")

MEMORY = Bound(0.05, 4)
HANDLES = Bound(0.0, 3)
SIZE = Bound(0.05, 10)
WAITING = Bound(0.5, 200)
SECONDS = Bound(0.25, 0.25)
AGE = Bound(0.5, 1.0)
CORES = Bound(0.15, 0.05)

TABLES_BOUND = Bound(0.10, 2)


@dataclass(frozen=True, slots=True)
class Series:
    """``bound``: None where it is only shown."""

    name: str
    unit: str
    samples: Samples
    bound: Bound | None

    def verdict(self) -> Verdict:
        return judge(self.samples, self.bound or Bound(0, 0))


Made = Callable[[Sequence[Sample]], Samples]


def plain(name: str) -> Made:
    return lambda samples: [(one["at"], one[name]) for one in samples if name in one]


def ratio(above: str, below: str | None = None) -> Made:
    """What a counter grew by between samples, over what another grew by, or a second."""

    def made(samples: Sequence[Sample]) -> Samples:
        found = []
        for before, after in pairwise(samples):
            if not all(name in one for name in (above, below or "at") for one in (before, after)):
                continue
            divisor = after[below or "at"] - before[below or "at"]
            if divisor > 0:
                found.append((after["at"], (after[above] - before[above]) / divisor))
        return found

    return made


def every(samples: Sequence[Sample]) -> list[Series]:
    """All that is told of a run, in the order it is told; without those that have too few samples."""
    told = [
        *_processes(),
        *_database(),
        ("lag, Kafka", "messages", plain("lag.kafka"), WAITING),
        ("lag, RabbitMQ", "messages", plain("lag.rabbitmq"), WAITING),
        ("watermark age, Kafka", "s", plain("watermark.kafka"), AGE),
        ("watermark age, RabbitMQ", "s", plain("watermark.rabbitmq"), AGE),
        ("sent to stored, Kafka", "s", plain("stored.kafka"), SECONDS),
        ("sent to stored, Kafka, slowest", "s", plain("stored.kafka.most"), None),
        ("sent to stored, RabbitMQ", "s", plain("stored.rabbitmq"), SECONDS),
        ("sent to stored, RabbitMQ, slowest", "s", plain("stored.rabbitmq.most"), None),
        ("due to stored breach", "s", ratio("sweep.delay_sum", "sweep.delay_count"), SECONDS),
        ("oldest message of the outbox", "s", plain("outbox.age"), AGE),
        ("statistics behind", "traces", plain("sweep.behind"), WAITING),
        ("page, median", "ms", plain("page.p50"), Bound(0.25, 10)),
        ("page, slowest in twenty", "ms", plain("page.p95"), Bound(0.25, 50)),
        ("events stored", "1/s", ratio("ingest.stored"), None),
        ("messages sent", "1/s", ratio("landscape.sent"), None),
        ("dropping a minute's traces", "s", ratio("task.retention.seconds", "task.retention.count"), None),
        ("traces dropped", "1/s", ratio("sweep.purged_traces"), None),
        ("machine, processor", "cores", ratio("machine.cpu"), None),
        ("machine, niced processes of others", "cores", ratio("machine.nice"), None),
    ]
    made = [Series(name, unit, make(samples), bound) for name, unit, make, bound in told]
    return [one for one in [*made, *_tables(samples)] if len({at for at, _ in one.samples}) > 7]


def _processes() -> list[tuple[str, str, Made, Bound | None]]:
    found: list[tuple[str, str, Made, Bound | None]] = []
    for role in ROLES:
        found += [
            (f"{role}, memory of its own (USS)", "MB", plain(f"{role}.uss"), MEMORY),
            (f"{role}, resident memory", "MB", plain(f"{role}.rss"), MEMORY),
            (f"{role}, threads", "", plain(f"{role}.threads"), HANDLES),
            (f"{role}, open files", "", plain(f"{role}.files"), HANDLES),
            (f"{role}, sockets", "", plain(f"{role}.sockets"), HANDLES),
            (f"{role}, processor", "cores", ratio(f"{role}.cpu"), CORES),
        ]
    return found


def _database() -> list[tuple[str, str, Made, Bound | None]]:
    return [
        ("PostgreSQL, memory", "MB", plain("postgres.pss"), None),
        ("PostgreSQL, processor", "cores", ratio("postgres.cpu"), CORES),
        ("PostgreSQL, connections", "", plain("database.connections"), HANDLES),
        ("PostgreSQL, oldest transaction", "s", plain("database.transaction_age"), Bound(0.5, 5)),
        ("PostgreSQL, oldest snapshot", "transactions", plain("database.xmin_age"), Bound(0.5, 1000)),
        ("database, size", "MB", plain("database.size"), SIZE),
        ("database, dead rows", "rows", plain("database.dead"), Bound(0.25, 20_000)),
        ("database, rows", "rows", plain("database.rows"), Bound(0.05, 10_000)),
        ("database, vacuums so far", "", plain("database.vacuums"), None),
    ]


def _tables(samples: Sequence[Sample]) -> list[Series]:
    """Of each table that ever was larger than a megabyte: it and its indexes."""
    names = sorted({name.split(".")[1] for one in samples for name in one if name.startswith("table.")})
    found = []
    for name in names:
        for what, told in (("size", ""), ("indexes", ", indexes")):
            series = plain(f"table.{name}.{what}")(samples)
            if max((value for _, value in series), default=0) > 1:
                found.append(Series(f"table {name}{told}", "MB", series, TABLES_BOUND))
    return found


def dropping(samples: Sequence[Sample]) -> str:
    """Whether reading stalls while retention drops what is old: samples in which it did, and the others."""
    purging: dict[bool, list[Sample]] = {True: [], False: []}
    pairs = [pair for pair in pairwise(samples) if all("sweep.purged_traces" in one for one in pair)]
    for before, after in pairs:
        purging[after["sweep.purged_traces"] > before["sweep.purged_traces"]].append(after)
    said = []
    for dropped, name in ((True, "while traces are dropped"), (False, "otherwise")):
        took = [
            one[f"stored.{broker}{most}"]
            for one in purging[dropped]
            for broker in ("kafka", "rabbitmq")
            for most in ("", ".most")
            if f"stored.{broker}{most}" in one
        ]
        if took:
            count = len(purging[dropped])
            said.append(f"{name} ({count} samples): median {median(took):.2f}, at most {max(took):.2f} s")
    return "sent to stored, " + "; ".join(said)
