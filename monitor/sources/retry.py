"""How long to wait before trying a broker again."""

from __future__ import annotations

import random

_FIRST = 0.25
_LONGEST = 15.0


def backoff(attempt: int) -> float:
    """Seconds to wait after ``attempt`` failures; random in part, so that workers do not all come at once."""
    pause = min(_LONGEST, _FIRST * 2.0 ** min(attempt, 10))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311
