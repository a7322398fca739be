"""Every error a user can meet. The class docstring is the default message; ``mend`` says what to do."""

from __future__ import annotations


class ChoreoscopeError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None, *, mend: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.mend = mend
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.mend}" if self.mend else self.message


class InvalidInput(ChoreoscopeError):
    """The input cannot be used."""


class ConfigError(InvalidInput):
    """The configuration is not valid."""


class ModelError(InvalidInput):
    """The BPMN model cannot be used."""


class MappingError(InvalidInput):
    """A mapping expression is not valid."""


class SourceError(ChoreoscopeError):
    """A source cannot be read."""


class SourceUnavailable(SourceError):
    """A source is away for now; it is tried again."""


class StorageError(ChoreoscopeError):
    """The database refused."""


class StorageUnavailable(StorageError):
    """The database is away for now; the batch is tried again."""


class StorageConflict(StorageUnavailable):
    """Another worker got in between; the batch is tried again."""


class SchemaOutdated(StorageError):
    """The database schema is not the one this version needs."""
