"""A condition's text as tokens. Both languages share them, but for texts and a few signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Misread(Exception):
    """A part of the text is not understood; the message says which, and never leaves this package."""


class Kind(Enum):
    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """``text``: as written, but of a TEXT what it stands for."""

    kind: Kind
    text: str

    def is_(self, *words: str) -> bool:
        """Whether this is one of these signs or words."""
        return self.kind in (Kind.NAME, Kind.SIGN) and self.text in words


_NAME = r"(?P<name>[^\W\d][\w$]*)"
_NUMBER = r"(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|(?<!\.)\.[0-9]+)"
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True)
class Lexicon:
    """What the tokens of a language look like. ``escapes``: what a backslash and a character stand for;
    ``code_points``: whether ``\\u0041`` is one."""

    pattern: re.Pattern[str]
    escapes: dict[str, str]
    code_points: bool

    def tokens(self, text: str) -> list[Token]:
        """Ends with one of kind END. Raises Misread."""
        found: list[Token] = []
        at = 0
        while at < len(text):
            match = self.pattern.match(text, at)
            if match is None:
                raise Misread(f"{_excerpt(text, at)} is no part of a condition")
            at = match.end()
            if match.lastgroup == "text":
                found.append(Token(Kind.TEXT, self._unescaped(match["text"])))
            elif match.lastgroup is not None:
                found.append(Token(Kind(match.lastgroup), match[match.lastgroup]))
        return [*found, Token(Kind.END, "")]

    def _unescaped(self, quoted: str) -> str:
        def meant(match: re.Match[str]) -> str:
            escape = match[1]
            if escape in self.escapes:
                return self.escapes[escape]
            if self.code_points and len(escape) == 5:
                return chr(int(escape[1:], 16))
            raise Misread(f"the text {quoted} has an escape “{match[0]}” that is not understood")

        return _ESCAPE.sub(meant, quoted[1:-1])


def _lexicon(signs: str, text: str, escapes: dict[str, str], *, code_points: bool) -> Lexicon:
    pattern = re.compile(rf"\s+|{_NAME}|{_NUMBER}|(?P<text>{text})|(?P<sign>{signs})", re.DOTALL)
    return Lexicon(pattern, escapes, code_points)


def _excerpt(text: str, at: int) -> str:
    return f"“{text[at : at + 20]}”"


FEEL = _lexicon(
    r"\.\.|!=|<=|>=|[=<>()\[\],.+\-*/]",
    r'"(?:[^"\\]|\\.)*"',
    {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"},
    code_points=True,
)
JUEL = _lexicon(
    r"==|!=|<=|>=|&&|\|\||[<>()\[\].+\-*/%!?:]",
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""",
    {'"': '"', "'": "'", "\\": "\\"},
    code_points=False,
)
