"""FEEL (DMN 1.3, chapter 10): comparisons, ``and``/``or``/``not``, ``between``, ``in``, arithmetic, dates."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.bpmn.conditions import lexer
from monitor.bpmn.conditions.lexer import Misread, Token
from monitor.bpmn.conditions.parser import Infix, Parser
from monitor.bpmn.conditions.terms import (
    Against,
    Choice,
    Defined,
    Literal,
    Member,
    Negative,
    Not,
    Range,
    Read,
    Term,
)
from monitor.bpmn.conditions.values import READERS, UNKNOWN

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_COMPARISON, _SUM, _PRODUCT, _UNARY = 3, 4, 5, 6


class Feel(Parser):
    lexicon = lexer.FEEL
    reserved = frozenset(
        {"and", "or", "not", "between", "in", "true", "false", "null", "if", "then", "else", "for", "return"}
        | {"some", "every", "satisfies", "instance", "of", "function"}
    )

    def infixes(self) -> Mapping[str, Infix]:
        return {
            "or": Infix(1, self.some),
            "and": Infix(2, self.every),
            **{sign: Infix(_COMPARISON, self.comparison(sign), alone=True) for sign in _COMPARISONS},
            "between": Infix(_COMPARISON, self._between, alone=True),
            "in": Infix(_COMPARISON, self._in, alone=True),
            **{sign: Infix(_SUM, self.calculation(sign)) for sign in "+-"},
            **{sign: Infix(_PRODUCT, self.calculation(sign)) for sign in "*/"},
        }

    def prefix(self) -> Term:
        if (constant := self.constant()) is not None:
            return constant
        if self.accept("-"):
            return Negative(self.expression(_UNARY))
        if self.accept("("):
            return self._closed()
        if self.accept("not", "("):
            return Not(self._closed())
        if self.accept("is", "defined", "("):
            return Defined(self._closed())
        if self.accept("if"):
            return self._choice()
        for kind in READERS:
            if self.accept(*kind.split(), "("):
                return self._read(kind)
        return self._field()

    def _closed(self) -> Term:
        term = self.expression()
        self.expect(")")
        return term

    def _choice(self) -> Choice:
        condition = self.expression()
        self.expect("then")
        left = self.expression()
        self.expect("else")
        return Choice(condition, left, self.expression())

    def _read(self, kind: str) -> Term:
        operand = self._closed()
        if not isinstance(operand, Literal):
            return Read(kind, operand)
        value = READERS[kind](operand.value)
        if value is UNKNOWN:
            raise Misread(f"{operand.text[:40]} is not understood as a {kind}")
        return Literal(value, f"{kind}({operand.text})")

    def _field(self) -> Term:
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        if self.ahead("("):
            raise Misread(f"the function {'.'.join(parts)[:40]}() is not understood")
        return self.path(parts)

    def _between(self, left: Term, _token: Token) -> Term:
        low = self.expression(_SUM)
        self.expect("and")
        return Member(left, (Range(low, self.expression(_SUM)),))

    def _in(self, left: Term, _token: Token) -> Term:
        if self.ahead("[") or self.ahead("]"):
            return Member(left, self._brackets())
        if self.accept("("):
            return Member(left, self._tests())
        if self.token.is_(*_COMPARISONS):
            return Member(left, (self._test(),))
        constant = self.constant()
        if constant is None:
            raise self.unexpected()  # a list that a field holds, or prose
        return Member(left, (constant,))

    def _brackets(self) -> tuple[Term | Range | Against, ...]:
        """``[1..10]``, ``]1..10[`` or a list."""
        low_open = self.take().text == "]"
        first = self.expression(_SUM)
        if low_open or self.ahead(".."):
            return (self._range(first, low_open=low_open),)
        terms = [first]
        while self.accept(","):
            terms.append(self.expression(_SUM))
        self.expect("]")
        return tuple(terms)

    def _range(self, low: Term, *, low_open: bool) -> Range:
        self.expect("..")
        high = self.expression(_SUM)
        high_open = self.token.is_(")", "[")
        if not high_open and not self.ahead("]"):
            raise self.unexpected()
        self.take()
        return Range(low, high, low_open, high_open)

    def _tests(self) -> tuple[Term | Range | Against, ...]:
        """After ``in (``: tests, or the rest of a range without its lower end."""
        tests = [self._test()]
        if self.ahead("..") and not isinstance(tests[0], Range | Against):
            return (self._range(tests[0], low_open=True),)
        while self.accept(","):
            tests.append(self._test())
        self.expect(")")
        return tuple(tests)

    def _test(self) -> Term | Range | Against:
        if self.token.is_(*_COMPARISONS):
            return Against(self.take().text, self.expression(_SUM))
        if not self.ahead("[") and not self.ahead("]"):
            return self.expression(_SUM)
        tests = self._brackets()
        if len(tests) != 1 or not isinstance(tests[0], Range):
            raise Misread("a list in a list is not understood")
        return tests[0]
