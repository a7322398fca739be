"""Databases for properties of what is stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from monitor.storage.migrate import upgrade
from tests.services.copies import Copies


class Databases(Protocol):
    def __call__(self) -> AbstractContextManager[str]: ...


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """A fresh one for every example."""
    if request.param == "postgres":
        copies: Copies = request.getfixturevalue("migrated_copies")
        return copies.lent
    folder: Path = tmp_path_factory.mktemp("stores")
    upgrade(f"sqlite:///{folder}/empty.db")

    @contextmanager
    def copied() -> Iterator[str]:
        shutil.copy(folder / "empty.db", folder / "copy.db")
        yield f"sqlite:///{folder}/copy.db"
        for file in folder.glob("copy.db*"):
            file.unlink()

    return copied
