"""Files by name or pattern, as the configuration and the command line give them."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path


def files_matching(pattern: Path | str) -> list[Path]:
    """The file of this name, else all that match it as a pattern (``*``, ``?``, ``**``), by name."""
    plain = Path(pattern)
    if plain.is_file() or not has_magic(str(pattern)):
        return [plain] * plain.is_file()
    return sorted(path for found in glob(str(pattern), recursive=True) if (path := Path(found)).is_file())
