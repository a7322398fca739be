"""What a condition's tree is worth, given what is known: Kleene's logic, where unknown may yet be either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from monitor.bpmn.conditions.terms import (
    Against,
    Calculation,
    Choice,
    Compare,
    Defined,
    Empty,
    Every,
    Literal,
    Member,
    Negative,
    Not,
    Path,
    Range,
    Read,
    Some,
    Term,
)
from monitor.bpmn.conditions.values import (
    READERS,
    UNKNOWN,
    Unknown,
    Value,
    calculate,
    compare,
    negative,
    of_json,
)
from monitor.domain.event import Json

Truth = bool | Unknown


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``values`` by dotted name; a name of several parts may also lead into an object. ``doubles``: see
    :func:`~monitor.bpmn.conditions.values.calculate`."""

    values: Mapping[str, Json]
    doubles: bool

    def value(self, term: Term) -> Value:
        match term:
            case Literal(value):
                return value
            case Path(name):
                return of_json(_look_up(self.values, name))
            case Every(operands):
                return self._joined(operands, decisive=False)
            case Some(operands):
                return self._joined(operands, decisive=True)
            case Not(operand):
                return _negated(self._truth(operand))
            case Compare(operator, left, right):
                return compare(operator, self.value(left), self.value(right))
            case Member(operand, tests):
                return self._is_member(self.value(operand), tests)
            case Calculation(operator, left, right):
                return calculate(operator, self.value(left), self.value(right), doubles=self.doubles)
            case Negative(operand):
                return negative(self.value(operand))
            case Choice(condition, left, right):
                chosen = self._truth(condition)
                return chosen if chosen is UNKNOWN else self.value(left if chosen else right)
            case Defined(operand):
                # of a null engines differ, and what no event told may be there all the same
                return UNKNOWN if self.value(operand) in (None, UNKNOWN) else True
            case Empty(operand):
                value = self.value(operand)
                return value if value is UNKNOWN else value is None or value == ""
            case Read(kind, operand):
                return READERS[kind](self.value(operand))
        assert_never(term)

    def _truth(self, term: Term) -> Truth:
        value = self.value(term)
        return value if isinstance(value, bool) else UNKNOWN

    def _joined(self, operands: tuple[Term, ...], *, decisive: bool) -> Truth:
        """One operand of the decisive truth settles it; else one that is unknown leaves it open."""
        joined: Truth = not decisive
        for operand in operands:
            truth = self._truth(operand)
            if truth is decisive:
                return decisive
            if truth is UNKNOWN:
                joined = UNKNOWN
        return joined

    def _is_member(self, value: Value, tests: tuple[Term | Range | Against, ...]) -> Truth:
        passed = [self._passes(value, test) for test in tests]
        return True if True in passed else UNKNOWN if UNKNOWN in passed else False

    def _passes(self, value: Value, test: Term | Range | Against) -> Truth:
        match test:
            case Range(low, high, low_open, high_open):
                return _both(
                    compare(">" if low_open else ">=", value, self.value(low)),
                    compare("<" if high_open else "<=", value, self.value(high)),
                )
            case Against(operator, operand):
                return compare(operator, value, self.value(operand))
            case _:
                return compare("=", value, self.value(test))


def _negated(truth: Truth) -> Truth:
    return truth if truth is UNKNOWN else not truth


def _both(one: Truth, other: Truth) -> Truth:
    if one is False or other is False:
        return False
    return UNKNOWN if UNKNOWN in (one, other) else True


_MISSING = object()
"""Stands for a field that was not seen: no JSON value, so of unknown worth."""


def _look_up(values: Mapping[str, Json], name: str) -> Json:
    for known, rest in _splits(name):
        if known in values:
            value = values[known]
            for part in rest:
                value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
            return value
    return _MISSING


def _splits(name: str) -> Iterator[tuple[str, list[str]]]:
    """``a.b.c`` as ``a.b.c``; ``a.b`` and the rest; ``a`` and the rest."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        yield ".".join(parts[:cut]), parts[cut:]
