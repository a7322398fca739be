"""What processes take of the machine, by what the kernel says of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg

from tests.services.guard import descendants


def postmaster(url: str) -> int:
    """Its process id, where it runs on this machine: a backend's parent."""
    with psycopg.connect(url) as database:
        row = database.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        status = Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()
    return int(status[1])


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of the processors used so far, by process with all below it, and by the whole machine."""

    at: float
    cpu: dict[str, float]
    whole: float
    memory: dict[str, float]

    @classmethod
    def of(cls, watched: Mapping[str, int]) -> Usage:
        tick = os.sysconf("SC_CLK_TCK")
        cpu: dict[str, float] = {}
        memory: dict[str, float] = {}
        for name, pid in watched.items():
            pids = [pid] if name == "readers" else descendants(pid) if pid else []
            cpu[name] = sum(ticks(one, ended=name == "database" and one == pid) for one in pids) / tick
            if pid and name != "database":
                memory[name] = _resident(pid)
        total = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        busy = sum(total) - total[3] - total[4]  # neither idle nor waiting for a disk
        return cls(perf_counter(), cpu, busy / tick, memory)


def ticks(pid: int, *, ended: bool) -> int:
    """Ticks a process took; with those of its ended children."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(status[at]) for at in ((11, 12, 13, 14) if ended else (11, 12)))


def _resident(pid: int) -> float:
    """Megabytes, at most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0
