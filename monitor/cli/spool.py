"""Standard input and pipes as files: telling a log's format takes a second look at its beginning."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import InvalidInput


@contextmanager
def spooled(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The same paths, with ``-`` and pipes (``<(zcat ...)``) copied to temporary files, which are removed
    afterwards. Raises InvalidInput when a pipe cannot be read."""
    with tempfile.TemporaryDirectory(prefix="choreoscope-") as folder:
        yield [
            path if path.is_file() else _copy(path, Path(folder) / str(number))
            for number, path in enumerate(paths)
        ]


def _copy(path: Path, folder: Path) -> Path:
    is_input = str(path) == "-"
    copy = folder / ("stdin" if is_input else path.name)
    folder.mkdir()
    try:
        with copy.open("wb") as target:
            if is_input:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with path.open("rb") as pipe:
                    shutil.copyfileobj(pipe, target)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}") from error
    if copy.stat().st_size == 0:
        return copy.rename(
            copy.with_suffix(".jsonl")
        )  # nothing came: no event, and no doubt about the format
    return copy
