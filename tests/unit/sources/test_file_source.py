"""Files as a source: to their end, in turn, rotated, broken."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.event import Delivery
from monitor.errors import SourceError
from monitor.settings import FileSource
from monitor.sources.base import SourceState
from monitor.sources.file import File
from tests.contract.source_harnesses import Clock, numbers, read


def source(path: str | list[str], clock: Clock | None = None, **more: Any) -> File:
    settings = FileSource.model_validate({"name": "f", "path": path, "poll": "PT0.01S"} | more)
    return File(settings, worker="w", now=clock or Clock())


def lines(path: Path, *numbers: int) -> Path:
    path.write_text("".join(f'{{"n": {number}}}\n' for number in numbers))
    return path


async def test_reads_files_in_order_to_their_end(tmp_path: Path) -> None:
    lines(tmp_path / "b.jsonl", 3, 4)
    lines(tmp_path / "a.jsonl", 1, 2)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'{"n": 5}\n'))
    clock = Clock()
    async with source(str(tmp_path / "*.jsonl*"), clock) as files:
        found: list[Delivery] = []
        while (batch := await files.batch(2, 1.0)) is not None:
            found += batch.deliveries
            await files.acknowledge(batch)
        assert numbers(found) == [1, 2, 3, 4, 5]
        assert [d.position.offset for d in found] == [0, 1, 0, 1, 0]
        assert {d.content_type for d in found} == {"application/json"}
        assert [row.state for row in files.progress()] == [SourceState.ENDED] * 3
        time = clock.tick()
        await files.refresh()
        assert {row.watermark for row in files.progress()} == {time}, "nothing more will come"


async def test_end_is_not_passed_before_all_is_acknowledged(tmp_path: Path) -> None:
    clock = Clock()
    async with source(str(lines(tmp_path / "a.jsonl", 1)), clock) as files:
        batch = await files.batch(10, 1.0)
        assert batch is not None
        assert await files.batch(10, 1.0) is None
        await files.refresh()
        (row,) = files.progress()
        assert (row.watermark, row.state, row.lag) == (None, SourceState.READING, 1)
        await files.acknowledge(batch)
        (row,) = files.progress()
        assert (row.watermark, row.state, row.lag) == (clock.time, SourceState.ENDED, 0)


async def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        await source(str(tmp_path / "*.jsonl")).__aenter__()


async def test_a_broken_file_is_told_after_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.xes").write_text("<log><trace><event></event>")
    lines(tmp_path / "b.jsonl", 1)
    async with source([str(tmp_path / "a.xes"), str(tmp_path / "b.jsonl")]) as files:
        assert len(await read(files, 2)) == 2
        with pytest.raises(SourceError, match=r"a\.xes, line 1: broken XES"):
            await files.batch(10, 1.0)
        assert [row.state for row in files.progress()] == [SourceState.FAILED, SourceState.ENDED]
        assert files.progress()[0].watermark is None


async def test_another_file_under_the_same_name_has_other_positions(tmp_path: Path) -> None:
    path = lines(tmp_path / "export.jsonl", 1, 2)
    async with source(str(path)) as files:
        first = await read(files, 2)
    lines(path, 1, 2, 3)
    async with source(str(path)) as files:
        longer = await read(files, 3)
    lines(path, 7, 8)
    async with source(str(path)) as files:
        other = await read(files, 2)
    assert [d.position for d in longer[:2]] == [d.position for d in first]
    assert not {d.position for d in other} & {d.position for d in longer}


async def test_following_through_a_rotation(tmp_path: Path) -> None:
    path = lines(tmp_path / "log.jsonl", 1, 2)
    clock = Clock()
    async with source(str(path), clock, follow=True) as files:
        found = await read(files, 2)
        with path.open("a") as file:
            file.write('{"n": 3}\n')
        path.rename(tmp_path / "log.1")
        lines(path, 4)
        found += await read(files, 2)
        assert numbers(found) == [1, 2, 3, 4]
        assert len({d.position for d in found}) == 4
        (row,) = files.progress()
        assert (row.position, row.shared) == ("4", False)


async def test_following_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "later.jsonl"
    async with source(str(path), follow=True) as files:
        (row,) = files.progress()
        assert (row.state, row.error) == (SourceState.CONNECTING, "there is no such file yet")
        lines(path, 1)
        assert numbers(await read(files, 1)) == [1]
        (row,) = files.progress()
        assert row.error is None


async def test_refresh_sees_that_a_followed_file_has_grown(tmp_path: Path) -> None:
    path = lines(tmp_path / "log.jsonl", 1)
    clock = Clock()
    async with source(str(path), clock, follow=True) as files:
        await read(files, 1)
        before = clock.time
        with path.open("a") as file:
            file.write('{"n": 2}\n')
        clock.tick()
        await files.refresh()
        (row,) = files.progress()
        assert row.watermark == before
