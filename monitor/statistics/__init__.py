"""Statistics over many traces: what each adds to the sums, and what is read from them. Pure."""

from monitor.statistics.sums import (
    KINDS,
    LEAST,
    SHARES,
    STILL_RUNNING,
    Cell,
    Histogram,
    Measure,
    bucket_of,
    day_of,
    edges,
    quantile,
    share_of,
)

__all__ = [
    "KINDS",
    "LEAST",
    "SHARES",
    "STILL_RUNNING",
    "Cell",
    "Histogram",
    "Measure",
    "bucket_of",
    "day_of",
    "edges",
    "quantile",
    "share_of",
]
