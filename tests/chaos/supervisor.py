"""Our processes, by the command line a person would use, and somebody who starts them again."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.processes import Process
from tests.support.serving import command, environment

_LOOKS = 0.1
_READY_WITHIN = 90.0
_TELLS_READY = "Running: "
_GAVE_UP = "The database cannot be reached"


@dataclass(frozen=True)
class Exit:
    """A process that ended by itself. ``gave_up``: it had not begun, as the database was away for as long as
    a start waits for it."""

    name: str
    code: int | None
    gave_up: bool
    tail: str


@dataclass
class Ours:
    """One process of ours, started again whenever it is gone. ``exits``: how it ended without being told to;
    while the database is away a start gives up by itself, anything else is a mistake."""

    name: str
    role: str
    config: Path
    log: Path
    exits: list[Exit] = field(default_factory=list)
    starts: int = 0
    _process: Process | None = None
    _told: bool = False
    _from: int = 0
    _watching: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self._start()
        self._watching = asyncio.create_task(self._watch(), name=f"supervisor of {self.name}")

    async def end(self) -> int | None:
        """Told to stop, and the exit code."""
        await self._unwatched()
        return await self._stopped()

    @property
    def ready(self) -> bool:
        """Whether it runs and has said so."""
        return self._process is not None and self._process.running() and _TELLS_READY in self.said()

    def said(self) -> str:
        """Its log since the last start."""
        with self.log.open("rb") as file:
            file.seek(self._from)
            return file.read().decode("utf-8", "replace")

    async def until_ready(self) -> None:
        if not await self.is_ready_again():
            raise TimeoutError(f"{self.name} does not start:\n{self.said()[-3000:]}")

    async def is_ready_again(self) -> bool:
        """Waits for it, as long as a start that the database keeps waiting may take."""
        end = time.monotonic() + _READY_WITHIN
        while True:
            if self.ready or time.monotonic() > end:
                return self.ready
            await asyncio.sleep(_LOOKS)

    async def kill(self) -> None:
        if self._process is not None:
            self._told = True
            await asyncio.to_thread(self._process.kill)

    async def destroy(self) -> None:
        """Killed, and not started again."""
        await self._unwatched()
        await self.kill()

    async def terminate(self) -> int | None:
        """Told to stop; the exit code. It is started again."""
        at_work = self.ready
        self._told = True
        code = await self._stopped()
        if code != 0 and at_work:
            self.exits.append(Exit(self.name, code, False, f"told to stop\n{self.said()[-2000:]}"))
        return code

    async def freeze(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.signal, signal.SIGSTOP)

    async def thaw(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.signal, signal.SIGCONT)

    async def _unwatched(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _stopped(self) -> int | None:
        process = self._process
        if process is None:
            return None
        await asyncio.to_thread(process.stop)
        return process.code

    async def _start(self) -> None:
        self._told = False
        self.log.touch()
        self._from = self.log.stat().st_size
        self.starts += 1
        self._process = await asyncio.to_thread(
            Process, command(self.role, "-c", self.config), log=self.log, environment=environment()
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOKS)
            assert self._process is not None
            if self._process.running():
                continue
            if not self._told:
                said = self.said()
                tail = "\n".join(said.splitlines()[-12:])
                gave_up = _TELLS_READY not in said and _GAVE_UP in said
                self.exits.append(Exit(self.name, self._process.code, gave_up, tail))
            await asyncio.sleep(5 * _LOOKS)
            await self._start()
