"""A condition as a tree of plain values, whichever language it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.bpmn.conditions.values import Value


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value
    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A field by its dotted name, ``order.amount``."""

    name: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of the operands hold (``and``)."""

    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of the operands holds (``or``)."""

    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Term


@dataclass(frozen=True, slots=True)
class Compare:
    """``operator``: one of ``= != < <= > >= equals``."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` to ``high``; with the ends themselves unless open."""

    low: Term
    high: Term
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class Against:
    """A test of its own, ``> 10`` in ``amount in (5, > 10)``."""

    operator: str
    operand: Term


@dataclass(frozen=True, slots=True)
class Member:
    """One of the tests is passed; a plain term is one of equality."""

    operand: Term
    tests: tuple[Term | Range | Against, ...]


@dataclass(frozen=True, slots=True)
class Calculation:
    """``operator``: one of ``+ - * / %``."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Term


@dataclass(frozen=True, slots=True)
class Choice:
    """``if condition then left else right``."""

    condition: Term
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Defined:
    """The field is there."""

    operand: Term


@dataclass(frozen=True, slots=True)
class Empty:
    """JUEL's ``empty``: null or a text without characters."""

    operand: Term


@dataclass(frozen=True, slots=True)
class Read:
    """A text as ``kind``: ``date``, ``date and time`` or ``duration``."""

    kind: str
    operand: Term


Term = (
    Literal
    | Path
    | Every
    | Some
    | Not
    | Compare
    | Member
    | Calculation
    | Negative
    | Choice
    | Defined
    | Empty
    | Read
)


def walk(term: Term) -> Iterator[tuple[Term | Range | Against, int]]:
    """Every term of the tree with how deep it stands, from 1."""
    stack: list[tuple[Term | Range | Against, int]] = [(term, 1)]
    while stack:
        found = stack.pop()
        yield found
        stack += [(part, found[1] + 1) for part in _parts(found[0])]


def _parts(term: Term | Range | Against) -> tuple[Term | Range | Against, ...]:
    match term:
        case Every(operands) | Some(operands):
            return operands
        case Compare() | Calculation():
            return term.left, term.right
        case Choice():
            return term.condition, term.left, term.right
        case Member():
            return term.operand, *term.tests
        case Range():
            return term.low, term.high
        case Literal() | Path():
            return ()
        case _:
            return (term.operand,)
