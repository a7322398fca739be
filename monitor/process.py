"""How a long-running service uses its process: the quickest event loop there is, and a garbage collector that
does not stop it for what never is garbage."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

SETTLED_AFTER = (20.0, 300.0)
"""Seconds after the start at which what a service has made is taken to stay: flows, templates, the database's
compiled statements. A collection of all of that would stop every page for a fifth of a second."""


YOUNG = 50_000
"""Objects made since, for a collection of garbage: a batch or a page makes tens of thousands that are garbage
at its end, and no circles."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """As :func:`asyncio.run` does, for a service."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    with asyncio.Runner(loop_factory=_quickest()) as runner:
        runner.run(_settling(main))


def _quickest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed (the extra ``speed``)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _settling(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    settling = [loop.call_later(seconds, _settle) for seconds in SETTLED_AFTER]
    try:
        await main
    finally:
        for one in settling:
            one.cancel()


def _settle() -> None:
    gc.collect()
    gc.freeze()
