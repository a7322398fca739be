"""A sign of life on stderr while something takes long; nothing where nobody watches."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds before the first sign."""


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show ``checking ... 12 s`` on a terminal, and wipe it when done."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    begun = time.monotonic()

    def tick() -> None:
        wait = PATIENCE
        while not done.wait(wait):
            wait = 0.5
            sys.stderr.write(f"\r{doing} ... {time.monotonic() - begun:.0f} s")
            sys.stderr.flush()
        if wait != PATIENCE:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
