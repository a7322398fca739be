"""Servers of the run's own, all started at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.services import Service, private
from tests.services.catalogue import Name


def started(names: Sequence[Name], stack: ExitStack) -> dict[str, Service]:
    """Each runs when this returns, and ends with the stack. Raises ``Unavailable``."""
    services: dict[str, Service] = {}
    for name in names:
        services[name] = private(name)
        stack.callback(services[name].close)
    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda service: service.start(), services.values()))
    return services
