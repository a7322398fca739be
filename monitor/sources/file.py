"""Files of events: read once to their end, or followed as they grow."""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from monitor.domain.event import Delivery, Position
from monitor.errors import InvalidInput, SourceError
from monitor.settings import FileSource
from monitor.sources.base import Batch, Now, Progress, SourceState, utc_now
from monitor.sources.frontier import Frontier
from monitor.sources.log_record import Record
from monitor.sources.logs import fingerprint, records


class _Log:
    """One path while it is read. ``handed`` and ``stored`` count its records since the source was entered,
    across all files that stood under this path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: Iterator[Record | None] | None = None
        self.partition: int | None = None
        self.handed = 0
        self.stored = 0
        self.frontier = Frontier(reached=0)
        self.ended = False
        self.end: tuple[int, int] | None = None
        """Inode and size of the file when it was last read to its end; None while there is more to read."""
        self.error: str | None = None
        self.last_message: datetime | None = None


class _Handed(NamedTuple):
    """Token of a batch: how many records of each path were handed out by then."""

    generation: int
    ends: tuple[tuple[_Log, int], ...]


class File:
    """Files are read one after the other, in the order of their names; followed ones all in turn.

    A file does not know its readers: entering anew reads from the beginning, and what was stored before is
    recognised by its position. The position's ``partition`` is a fingerprint of the file's first record, so
    that another file under the same name (a rotated log, the next day's export) is not taken for it.
    """

    kind = "file"

    def __init__(self, settings: FileSource, *, worker: str, now: Now = utc_now) -> None:  # noqa: ARG002
        self.name = settings.name
        self._settings = settings
        self._now = now
        self._logs: dict[Path, _Log] = {}
        self._generation = 0
        self._open = False
        self._reading: asyncio.Task[Batch] | None = None

    async def __aenter__(self) -> Self:
        self._generation += 1
        self._logs = {}
        self._look()
        if not self._logs and not self._settings.follow:
            wanted = ", ".join(map(str, self._settings.path))
            raise SourceError(
                f"source {self.name}: there is no file {wanted}", mend="Correct `path`; it may hold * and **."
            )
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        if self._reading is not None:
            await asyncio.wait((self._reading,))
            self._reading = None
        for log in self._logs.values():
            log.records = None

    async def batch(self, limit: int, wait: float) -> Batch | None:
        """Raises SourceError after everything else is read, if a file was not what it claimed to be. A file
        that is followed then shows as failed and the others go on."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            batch = await self._read(limit)
            if batch.deliveries:
                return batch
            if not self._settings.follow and all(log.ended for log in self._logs.values()):
                self._raise_failure()
                return None
            left = deadline - loop.time()
            if left <= 0:
                return batch
            await asyncio.sleep(min(left, self._settings.poll.total_seconds()))
            self._look()

    async def acknowledge(self, batch: Batch) -> None:
        handed = batch.token
        assert isinstance(handed, _Handed)
        if handed.generation != self._generation:
            return
        for log, end in handed.ends:
            if end > log.stored:
                log.stored = end
                log.frontier.reach(end)

    async def refresh(self) -> None:
        if not self._open:
            return
        time = self._now()
        for log in self._logs.values():
            if log.error is None and (log.ended or (log.end is not None and log.end == _status(log.path))):
                log.frontier.probe(time, log.handed)

    def progress(self) -> Sequence[Progress]:
        shown = [
            Progress(
                shard=str(log.path),
                state=self._state(log),
                watermark=log.frontier.watermark,
                lag=log.handed - log.stored if log.ended or log.end is not None else None,
                position=str(log.stored),
                last_message=log.last_message,
                error=log.error,
            )
            for log in self._logs.values()
        ]
        shown += [
            Progress(shard=str(path), state=SourceState.CONNECTING, error="there is no such file yet")
            for path in self._settings.path
            if path not in self._logs and not glob.has_magic(str(path))
        ]
        return shown

    def _state(self, log: _Log) -> SourceState:
        if log.error is not None:
            return SourceState.FAILED
        if not self._open:
            return SourceState.CONNECTING
        if log.stored < log.handed:
            return SourceState.READING
        if log.ended:
            return SourceState.ENDED
        return SourceState.READING if log.end is None else SourceState.CAUGHT_UP

    def _look(self) -> None:
        """Take up files that are there now."""
        for wanted in self._settings.path:
            pattern = str(wanted)
            found = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]
            for path in map(Path, found):
                if path not in self._logs and path.exists() and not path.is_dir():
                    self._logs[path] = _Log(path)

    def _raise_failure(self) -> None:
        for log in self._logs.values():
            if log.error is not None:
                raise SourceError(f"source {self.name}: {log.error}")

    async def _read(self, limit: int) -> Batch:
        """Read in a thread. A caller that is cancelled meanwhile leaves the batch to the next one."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._next, limit))
        batch = await asyncio.shield(self._reading)
        self._reading = None
        return batch

    def _next(self, limit: int) -> Batch:
        deliveries: list[Delivery] = []
        ends = []
        for log in self._logs.values():
            if len(deliveries) >= limit:
                break
            if not log.ended and self._next_of(log, limit, deliveries):
                ends.append((log, log.handed))
        return Batch(deliveries, _Handed(self._generation, tuple(ends)))

    def _next_of(self, log: _Log, limit: int, deliveries: list[Delivery]) -> int:
        """Append the log's next records; how many there were."""
        before = len(deliveries)
        time = self._now()
        try:
            for record in self._records(log, limit - before):
                if log.partition is None:
                    log.partition = fingerprint(record.body)
                position = Position(str(log.path), log.partition, record.number)
                deliveries.append(
                    Delivery(self.name, record.body, position, time, content_type=record.content_type)
                )
        except InvalidInput as error:
            log.error = str(error)
            log.ended = True
        count = len(deliveries) - before
        log.handed += count
        if count:
            log.last_message = time
        if log.error is None and (log.ended or log.end is not None):
            log.frontier.probe(time, log.handed)
        return count

    def _records(self, log: _Log, limit: int) -> Iterator[Record]:
        log.end = None
        while limit:
            if log.records is None:
                log.records = records(log.path, self._settings.format, follow=self._settings.follow)
                log.partition = None
            status = _status(log.path)
            for record in log.records:
                if record is None:
                    break
                yield record
                limit -= 1
                if not limit:
                    return
            else:
                log.records = None
                if not self._settings.follow:
                    log.ended = True
                    return
                continue  # another file stands there now
            if status == _status(log.path):
                log.end = status
                return


def _status(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size
