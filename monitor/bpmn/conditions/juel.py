"""JUEL, Java's unified expression language (JSR 245), as Camunda 7, Activiti, Flowable and jBPM write it."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.bpmn.conditions import lexer
from monitor.bpmn.conditions.lexer import Kind, Misread, Token
from monitor.bpmn.conditions.parser import Infix, Parser
from monitor.bpmn.conditions.terms import Choice, Compare, Defined, Empty, Negative, Not, Path, Term

_EQUALITY = {"==": "=", "eq": "=", "!=": "!=", "ne": "!="}
_ORDER = {"<": "<", "lt": "<", "<=": "<=", "le": "<=", ">": ">", "gt": ">", ">=": ">=", "ge": ">="}
_PRODUCTS = {"*": "*", "/": "/", "div": "/", "%": "%", "mod": "%"}
_UNARY = 8
_VARIABLE = ("getVariable", "getVariableLocal")


class Juel(Parser):
    lexicon = lexer.JUEL
    reserved = frozenset(
        {"and", "or", "not", "eq", "ne", "lt", "gt", "le", "ge", "true", "false", "null", "instanceof"}
        | {"empty", "div", "mod"}
    )

    def infixes(self) -> Mapping[str, Infix]:
        return {
            "?": Infix(1, self._choice),
            **{sign: Infix(2, self.some) for sign in ("||", "or")},
            **{sign: Infix(3, self.every) for sign in ("&&", "and")},
            **{sign: Infix(4, self.comparison(meant)) for sign, meant in _EQUALITY.items()},
            **{sign: Infix(5, self.comparison(meant)) for sign, meant in _ORDER.items()},
            **{sign: Infix(6, self.calculation(sign)) for sign in "+-"},
            **{sign: Infix(7, self.calculation(meant)) for sign, meant in _PRODUCTS.items()},
        }

    def prefix(self) -> Term:
        if self.accept("-"):
            return Negative(self.expression(_UNARY))
        if self.accept("!") or self.accept("not"):
            return Not(self.expression(_UNARY))
        if self.accept("empty"):
            return Empty(self.expression(_UNARY))
        return self._equals(self._primary())

    def _primary(self) -> Term:
        if (constant := self.constant()) is not None:
            return constant
        if self.accept("("):
            term = self.expression()
            self.expect(")")
            return term
        if self.accept("execution"):
            return self._variable()
        return self._field()

    def _choice(self, condition: Term, _token: Token) -> Term:
        left = self.expression()
        self.expect(":")
        return Choice(condition, left, self.expression())

    def _equals(self, term: Term) -> Term:
        """``term.equals(other)``, Java's way to compare."""
        if not self.accept(".", "equals", "("):
            return term
        other = self.expression()
        self.expect(")")
        return Compare("equals", term, other)

    def _variable(self) -> Term:
        """After ``execution``: the methods that ask for a variable."""
        self.expect(".")
        method = self.name()
        self.expect("(")
        if method not in (*_VARIABLE, "hasVariable") or self.token.kind is not Kind.TEXT:
            raise Misread(f"execution.{method[:40]}() is not understood")
        parts = self._parts(self.take().text)
        self.expect(")")
        if method == "hasVariable":
            return Defined(self.path(parts))
        return self._rest(parts)

    def _field(self) -> Term:
        return self._rest([self.name()])

    def _rest(self, parts: list[str]) -> Path:
        while not self.ahead(".", "equals", "("):
            if self.accept("."):
                parts.append(self.name())
            elif self.accept("["):
                if self.token.kind is not Kind.TEXT:
                    raise self.unexpected()
                parts += self._parts(self.take().text)
                self.expect("]")
            else:
                break
        if self.ahead("("):
            raise Misread(f"the function {'.'.join(parts)[:40]}() is not understood")
        return self.path(parts)

    def _parts(self, name: str) -> list[str]:
        if not name.isidentifier():
            raise Misread(f"“{name[:40]}” is not understood as a field's name")
        return [name]
