"""What an examination finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

SECONDS = 5.0
"""How long any one examination may take."""


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """One thing tried. ``what``: which part of the configuration; ``mend``: what to do unless all is well."""

    state: State
    what: str
    said: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n       -> {self.mend}" if self.mend else ""
        return f"{self.state:4}  {self.what}: {self.said}{mend}"

    def to_json(self) -> dict[str, str]:
        return {"state": self.state.value, "what": self.what, "said": self.said, "mend": self.mend}


Results = AsyncIterator[Result]


def ok(what: str, said: str) -> Result:
    return Result(State.OK, what, said)


def warn(what: str, said: str, mend: str) -> Result:
    return Result(State.WARN, what, said, mend)


def fail(what: str, said: str, mend: str) -> Result:
    return Result(State.FAIL, what, said, mend)


async def bounded(what: str, results: Results) -> list[Result]:
    """All results of one examination; one that takes too long ends with a failure, as does a crash of it."""
    found: list[Result] = []
    try:
        async with asyncio.timeout(SECONDS):
            async for result in results:
                found.append(result)  # noqa: PERF401 - what was found before a timeout must be kept
    except TimeoutError:
        found.append(
            fail(what, f"no answer within {SECONDS:.0f} s", "Check the address and the network between.")
        )
    return found
