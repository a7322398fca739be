"""``python -m benchmarks pipeline``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.dataset.server import SERVING
from benchmarks.pipeline import from_kafka, from_rabbitmq, growth, memory, stages
from benchmarks.pipeline.messages import messages
from tests.services.databases import fresh_database
from tests.services.postgres import LocalPostgres

PARTS = ("kafka", "rabbitmq", "stages", "workers", "open", "length", "history")
LONG = "memory"
"""Only where it is named: it goes on for half an hour."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*PARTS, LONG),
        default=PARTS,
        metavar="PART",
        help=f"{', '.join(PARTS)}; {LONG}: ten million messages, if not told otherwise by --millions",
    )
    parser.add_argument("--messages", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument(
        "--open", type=int, default=1000, help="orders that go on at once (default: %(default)s)"
    )
    parser.add_argument("--millions", type=int, default=10, help=f"for `{LONG}` (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--data", type=Path, nargs="*", default=(), help="directories that `dataset` made, for `history`"
    )
    given = parser.parse_args(arguments)
    sent = messages(given.messages, given.open)
    print(f"{len(sent):,} messages of {len({one.order for one in sent}):,} orders", flush=True)
    with (
        TemporaryDirectory(prefix="choreoscope-pipeline-") as name,
        LocalPostgres(settings=SERVING) as postgres,
    ):
        folder = Path(name)
        if "kafka" in given.only:
            from_kafka.beside_copy(sent, given.rounds, postgres.address, folder)
        if "rabbitmq" in given.only:
            from_rabbitmq.beside_consumer(sent, given.rounds, postgres.address, folder)
        if "stages" in given.only:
            with fresh_database(postgres.address) as url:
                stages.fresh(url, sent)
        if "workers" in given.only:
            print("By workers:")
            from_kafka.by_workers(sent, postgres.address, folder)
        if "open" in given.only:
            print("By orders that go on at once:")
            growth.by_open(postgres.address)
        if "length" in given.only:
            print("By events that a trace has already:")
            growth.by_length(postgres.address, folder)
        if LONG in given.only:
            print("By messages so far:")
            memory.over_millions(postgres.address, folder, given.millions * 1_000_000, given.open)
        if "history" in given.only:
            print("By what is stored:")
            growth.by_history(postgres.address, given.data)
