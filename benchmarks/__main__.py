"""Every benchmark, one after the other: ``python -m benchmarks [name ...]``. See docs/benchmarks.md.

``python -m benchmarks dataset``, ``pipeline``, ``reading``, ``retention`` and ``soak`` take options of
their own, and a while: ``--help`` tells.
"""

from __future__ import annotations

import sys

from benchmarks import checker, decode, drawing, long_traces, reading, retention, start, sweep
from benchmarks.dataset import command as dataset
from benchmarks.pipeline import command as pipeline
from benchmarks.soak import command as soak

ALL = {
    "start": start.main,
    "decode": decode.main,
    "checker": checker.main,
    "drawing": drawing.main,
    "long_traces": long_traces.main,
    "sweep": sweep.main,
}
LARGE = {
    "dataset": dataset.main,
    "pipeline": pipeline.main,
    "reading": reading.main,
    "retention": retention.main,
    "soak": soak.main,
}


def main() -> None:
    if sys.argv[1:] and sys.argv[1] in LARGE:
        LARGE[sys.argv[1]](sys.argv[2:])
        return
    chosen = sys.argv[1:] or list(ALL)
    if unknown := [name for name in chosen if name not in ALL]:
        known = ", ".join((*ALL, *LARGE))
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there is {known}.")
    for name in chosen:
        print(f"== {name}")
        ALL[name]()


if __name__ == "__main__":
    main()
