"""What FEEL and JUEL share: operators by how tightly they bind (Pratt's way), nesting within bounds."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import ClassVar, NamedTuple

from monitor.bpmn.conditions.lexer import Kind, Lexicon, Misread, Token
from monitor.bpmn.conditions.terms import Calculation, Compare, Every, Literal, Path, Some, Term
from monitor.bpmn.conditions.values import exact

MAX_NESTING = 100
"""Parentheses within parentheses, operators on operators and parts of a field's name."""

_MAX_DIGITS = 34
_MAX_EXPONENT = 400
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


class Infix(NamedTuple):
    """An operator between two terms. ``level``: a higher one binds more tightly. ``read`` takes the term to
    the left and the operator's token, and reads the rest. ``alone``: not twice in a row on one level."""

    level: int
    read: Callable[[Term, Token], Term]
    alone: bool = False


class Parser(ABC):
    """Reads one text. Subclasses give ``lexicon``, ``reserved`` words and the operators."""

    lexicon: ClassVar[Lexicon]
    reserved: ClassVar[frozenset[str]]

    def __init__(self, text: str) -> None:
        self._tokens = self.lexicon.tokens(text)
        self._at = 0
        self._depth = 0
        self._infixes = self.infixes()

    @abstractmethod
    def infixes(self) -> Mapping[str, Infix]:
        """The operators between two terms, by how they are written."""

    @abstractmethod
    def prefix(self) -> Term:
        """A term without operator to its left. Raises Misread."""

    def whole(self) -> Term:
        """The text as one term. Raises Misread."""
        term = self.expression()
        if self.token.kind is not Kind.END:
            raise self.unexpected()
        return term

    def expression(self, level: int = 0) -> Term:
        """A term of operators that bind at least as tightly as ``level``."""
        with self._nested():
            term = self.prefix()
            before: Infix | None = None
            while (infix := self._infix()) is not None and infix.level >= level:
                if before is not None and infix.alone and before.level == infix.level:
                    raise Misread(f"“{self.token.text}” follows another comparison; put one in parentheses")
                term = infix.read(term, self.take())
                before = infix
            return term

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def ahead(self, *words: str) -> bool:
        """Whether the next tokens are these words and signs."""
        coming = self._tokens[self._at : self._at + len(words)]
        return len(coming) == len(words) and all(map(Token.is_, coming, words))

    def take(self) -> Token:
        taken = self.token
        self._at += taken.kind is not Kind.END
        return taken

    def accept(self, *words: str) -> bool:
        """Take these words and signs where they come next."""
        if not self.ahead(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.unexpected()

    def unexpected(self) -> Misread:
        token = self.token
        if token.kind is Kind.END:
            return Misread("the text ends too early")
        return Misread(f"“{token.text[:40]}” is not understood where it stands")

    def constant(self) -> Literal | None:
        """A number, a text, true, false or null, if one comes next."""
        token = self.token
        if token.kind is Kind.NUMBER:
            return Literal(exact(_number(self.take().text)), token.text)
        if token.kind is Kind.TEXT:
            return Literal(self.take().text, quoted(token.text))
        if token.kind is Kind.NAME and token.text in _CONSTANTS:
            return Literal(_CONSTANTS[self.take().text], token.text)
        return None

    def name(self) -> str:
        token = self.token
        if token.kind is not Kind.NAME or token.text in self.reserved:
            raise self.unexpected()
        return self.take().text

    def path(self, parts: list[str]) -> Path:
        if len(parts) > MAX_NESTING:
            raise Misread(f"“{'.'.join(parts)[:40]}…” has too many parts")
        return Path(".".join(parts))

    # -- operators

    def every(self, left: Term, token: Token) -> Term:
        return Every(tuple(self._chain(left, token)))

    def some(self, left: Term, token: Token) -> Term:
        return Some(tuple(self._chain(left, token)))

    def _chain(self, left: Term, token: Token) -> Iterator[Term]:
        """Operands of the same operator, however long the chain is."""
        level = self._infixes[token.text].level
        yield left
        yield self.expression(level + 1)
        while (infix := self._infix()) is not None and infix.level == level:
            self.take()
            yield self.expression(level + 1)

    def comparison(self, operator: str) -> Callable[[Term, Token], Term]:
        def read(left: Term, token: Token) -> Term:
            return Compare(operator, left, self.expression(self._infixes[token.text].level + 1))

        return read

    def calculation(self, operator: str) -> Callable[[Term, Token], Term]:
        def read(left: Term, token: Token) -> Term:
            return Calculation(operator, left, self.expression(self._infixes[token.text].level + 1))

        return read

    def _infix(self) -> Infix | None:
        token = self.token
        return self._infixes.get(token.text) if token.kind in (Kind.NAME, Kind.SIGN) else None

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Misread("it is nested too deeply")
        yield
        self._depth -= 1


def _number(text: str) -> Decimal:
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > _MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        raise Misread(f"the number {text[:40]} is too long")
    return Decimal(text)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    return '"' + re.sub(r'["\\\n\r\t]', lambda match: _ESCAPES[match[0]], text) + '"'
