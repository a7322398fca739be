"""What all tables share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite gives out ids only for a column that is exactly INTEGER."""

BLOCK = 100
"""Ids of events and traces are taken from PostgreSQL's sequences in blocks of this many."""
