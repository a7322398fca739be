"""Every benchmark, one after the other: ``python -m benchmarks [name ...]``. See docs/benchmarks.md."""

from __future__ import annotations

import sys

from benchmarks import checker, decode, drawing, long_traces, sweep

ALL = {
    "decode": decode.main,
    "checker": checker.main,
    "drawing": drawing.main,
    "long_traces": long_traces.main,
    "sweep": sweep.main,
}


def main() -> None:
    chosen = sys.argv[1:] or list(ALL)
    if unknown := [name for name in chosen if name not in ALL]:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there is {', '.join(ALL)}.")
    for name in chosen:
        print(f"== {name}")
        ALL[name]()


if __name__ == "__main__":
    main()
