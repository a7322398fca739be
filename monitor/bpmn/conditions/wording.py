"""A condition's tree as text for people, and its fields. The text is FEEL, but for what only JUEL has."""

from __future__ import annotations

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

_TIGHTEST = 9


def worded(term: Term | Range | Against) -> str:
    return _written(term)[0]


def _written(term: Term | Range | Against) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match term:
        case Literal(_, text):
            return text, _TIGHTEST
        case Path(name):
            return name, _TIGHTEST
        case Some(operands):
            return " or ".join(_within(operand, 2) for operand in operands), 1
        case Every(operands):
            return " and ".join(_within(operand, 3) for operand in operands), 2
        case Compare(operator, left, right):
            sign = "=" if operator == "equals" else operator
            return f"{_within(left, 4)} {sign} {_within(right, 4)}", 3
        case Member(operand, tests):
            return f"{_within(operand, 4)} in {_tests(tests)}", 3
        case Calculation(operator, left, right):
            level = 4 if operator in "+-" else 5
            return f"{_within(left, level)} {operator} {_within(right, level + 1)}", level
        case Negative(operand):
            return f"-{_within(operand, 6)}", 6
        case Choice(condition, left, right):
            return f"if {worded(condition)} then {worded(left)} else {worded(right)}", 0
        case Not(operand):
            return f"not({worded(operand)})", _TIGHTEST
        case Defined(operand):
            return f"is defined({worded(operand)})", _TIGHTEST
        case Empty(operand):
            return f"empty {_within(operand, 6)}", 6
        case Read(kind, operand):
            return f"{kind}({worded(operand)})", _TIGHTEST
        case Against(operator, operand):
            return f"{operator} {_within(operand, 4)}", 3
        case Range():
            begin, end = "(" if term.low_open else "[", ")" if term.high_open else "]"
            return f"{begin}{_within(term.low, 4)}..{_within(term.high, 4)}{end}", _TIGHTEST


def _within(term: Term, level: int) -> str:
    text, own = _written(term)
    return text if own >= level else f"({text})"


def _tests(tests: tuple[Term | Range | Against, ...]) -> str:
    if len(tests) == 1 and isinstance(tests[0], Range):
        return worded(tests[0])
    return f"({', '.join(worded(test) for test in tests)})"
