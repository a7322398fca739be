"""What is looked at every ten seconds: processes, PostgreSQL and the monitor's own metrics, each as figures
by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.request import urlopen

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.usage import ticks
from tests.services.guard import descendants

MB = 1e6
TICK = os.sysconf("SC_CLK_TCK")
TIMEOUT_SECONDS = 30.0

Figures = dict[str, float]

_TABLES = """
SELECT relname, pg_table_size(relid), pg_indexes_size(relid), n_live_tup, n_dead_tup, autovacuum_count,
       autoanalyze_count
FROM pg_stat_user_tables
"""
_ACTIVITY = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend'),
       count(*) FILTER (WHERE state = 'idle in transaction'),
       count(*) FILTER (WHERE wait_event_type = 'Lock'),
       count(*) FILTER (WHERE backend_type = 'autovacuum worker'),
       coalesce(max(extract(epoch FROM now() - xact_start))
                FILTER (WHERE backend_type = 'client backend'), 0),
       coalesce(max(age(backend_xmin)), 0),
       pg_database_size(current_database())
FROM pg_stat_activity WHERE pid <> pg_backend_pid()
"""
_WORK = """
SELECT xact_commit, xact_rollback, deadlocks, temp_files, tup_inserted, tup_deleted
FROM pg_stat_database WHERE datname = current_database()
"""


def of_process(name: str, pid: int) -> Figures:
    """Of one process: memory in MB (``uss``: what ends with it), threads, open files, sockets among them, and
    seconds of the processor so far."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    handles = [_target(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
    rollup = _rollup(pid)
    return {
        f"{name}.rss": _kilobytes(status["VmRSS"]) / MB,
        f"{name}.uss": (rollup["Private_Clean"] + rollup["Private_Dirty"]) / MB,
        f"{name}.threads": float(status["Threads"]),
        f"{name}.files": float(len(handles)),
        f"{name}.sockets": float(sum(one.startswith("socket:") for one in handles)),
        f"{name}.cpu": ticks(pid, ended=False) / TICK,
    }


def of_tree(name: str, root: int) -> Figures:
    """Of a process with all below it: memory in MB, what they share counted once."""
    memory = seconds = handles = 0.0
    count = 0
    for pid in descendants(root):
        try:
            memory += _rollup(pid)["Pss"] / MB
            seconds += ticks(pid, ended=pid == root) / TICK
            handles += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:  # it ended meanwhile
            continue
        count += 1
    return {
        f"{name}.pss": memory,
        f"{name}.processes": float(count),
        f"{name}.files": handles,
        f"{name}.cpu": seconds,
    }


def of_database(connection: psycopg.Connection) -> Figures:
    """Sizes in MB."""
    figures: Figures = {}
    for table, size, indexes, live, dead, vacuums, analyses in connection.execute(_TABLES):
        figures |= {
            f"table.{table}.size": size / MB,
            f"table.{table}.indexes": indexes / MB,
            f"table.{table}.rows": float(live),
            f"table.{table}.dead": float(dead),
            f"table.{table}.vacuums": float(vacuums),
            f"table.{table}.analyses": float(analyses),
        }
    activity = connection.execute(_ACTIVITY).fetchone()
    work = connection.execute(_WORK).fetchone()
    assert activity is not None
    assert work is not None
    names = ("connections", "idle_in_transaction", "waiting", "vacuuming", "transaction_age", "xmin_age")
    figures |= {f"database.{name}": float(value) for name, value in zip(names, activity, strict=False)}
    figures["database.size"] = float(activity[-1]) / MB
    names = ("commits", "rollbacks", "deadlocks", "temporary_files", "inserted", "deleted")
    figures |= {f"database.{name}": float(value) for name, value in zip(names, work, strict=True)}
    for what in ("dead", "vacuums", "rows"):
        of = [value for name, value in figures.items() if name.startswith("table.") and name.endswith(what)]
        figures[f"database.{what}"] = sum(of)
    return figures


def of_machine() -> Figures:
    """Seconds of all processors so far, and what else can be had of the machine's memory, in MB."""
    total = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return {
        "machine.cpu": (sum(total) - total[3] - total[4]) / TICK,
        "machine.nice": total[1] / TICK,
        "machine.available": _kilobytes(memory["MemAvailable"]) / MB,
    }


Metrics = Mapping[str, list[tuple[Mapping[str, str], float]]]
"""By name, the samples with their labels."""


def metrics(address: str) -> Metrics:
    with urlopen(f"{address}/metrics", timeout=TIMEOUT_SECONDS) as answer:
        text = answer.read().decode()
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def values(told: Metrics, name: str, **labels: str) -> Iterable[float]:
    for has, value in told.get(f"choreoscope_{name}", ()):
        if all(has.get(label) == wanted for label, wanted in labels.items()):
            yield value


def of_ingest(told: Metrics) -> Figures:
    """``dealt`` is everything it ever took from the brokers, whatever became of it."""
    kinds = ("events_stored_total", "duplicates_total", "ignored_total", "misfits_total")
    counts = {kind: sum(values(told, kind)) for kind in kinds}
    return {
        "lag.kafka": sum(values(told, "source_lag", source="shop-kafka")),
        "lag.rabbitmq": sum(values(told, "source_lag", source="shop-rabbit")),
        "watermark.kafka": max(values(told, "watermark_age_seconds", source="shop-kafka"), default=0.0),
        "watermark.rabbitmq": max(values(told, "watermark_age_seconds", source="shop-rabbit"), default=0.0),
        "ingest.stored": counts["events_stored_total"],
        "ingest.duplicates": counts["duplicates_total"],
        "ingest.misfits": counts["misfits_total"],
        "ingest.dealt": sum(counts.values()),
        "ingest.retried": sum(values(told, "batches_total", outcome="retried")),
        "ingest.batches": sum(values(told, "batches_total", outcome="stored")),
        "ingest.store_seconds": sum(values(told, "batch_seconds_sum", stage="store")),
        "ingest.replays": sum(values(told, "replays_total")),
    }


def of_sweep(told: Metrics) -> Figures:
    """Sums of seconds and counts are since the start."""
    figures = {
        "sweep.judged_age": max(values(told, "judged_age_seconds"), default=0.0),
        "sweep.blind": max(values(told, "blind"), default=0.0),
        "sweep.delay_sum": sum(values(told, "sweep_delay_seconds_sum")),
        "sweep.delay_count": sum(values(told, "sweep_delay_seconds_count")),
        "sweep.purged_traces": sum(values(told, "purged_total", what="traces")),
        "sweep.purged_inbox": sum(values(told, "purged_total", what="inbox")),
        "sweep.failures": sum(values(told, "sweep_failures_total")),
        "sweep.behind": sum(values(told, "statistics_behind")),
        "outbox.age": max(values(told, "notification_age_seconds"), default=0.0),
        "outbox.waiting": sum(values(told, "undelivered_notifications")),
        "sweep.breaches": sum(values(told, "clocks_due_total", state="breached")),
    }
    for labels, value in told.get("choreoscope_sweep_seconds_sum", ()):
        figures[f"task.{labels['task']}.seconds"] = value
    for labels, value in told.get("choreoscope_sweep_seconds_count", ()):
        figures[f"task.{labels['task']}.count"] = value
    for labels, value in told.get("choreoscope_sweep_delay_seconds_bucket", ()):
        figures[f"sweep.delay_within.{labels['le']}"] = value
    return figures


def _target(handle: Path) -> str:
    try:
        return os.readlink(handle)
    except OSError:  # closed meanwhile
        return ""


def _kilobytes(text: str) -> float:
    return int(text.split()[0]) * 1024.0


def _rollup(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: _kilobytes(text) for name, text in (line.split(":", 1) for line in lines)}
