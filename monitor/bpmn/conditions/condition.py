"""From a text and its language to a condition, or to what is not understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.bpmn.conditions.evaluation import Evaluation
from monitor.bpmn.conditions.feel import Feel
from monitor.bpmn.conditions.juel import Juel
from monitor.bpmn.conditions.lexer import Misread
from monitor.bpmn.conditions.parser import MAX_NESTING
from monitor.bpmn.conditions.terms import Compare, Defined, Every, Member, Not, Path, Some, Term, walk
from monitor.bpmn.conditions.wording import worded
from monitor.domain.event import Json

MAX_LENGTH = 10_000
"""Characters of a condition. A longer one is not understood."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """``reason``: which part of the text is not understood, without a full stop."""

    reason: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was understood. Two are equal where they say the same of the same fields.

    ``fields`` are the dotted names of the fields it reads; ``text`` says it in FEEL, for people. It pickles,
    and its ``repr`` is the same in every process.
    """

    term: Term
    text: str
    doubles: bool
    fields: frozenset[str] = field(repr=False, compare=False)

    def holds(self, values: Mapping[str, Json]) -> bool | None:
        """Whether it holds; None where ``values`` do not decide it.

        ``values`` by dotted name (``{"order.amount": 3}``), or objects that such a name leads into. What
        is not there is not known, which is not the same as null. Only like is compared with like: a number
        with a text is not decided; a text with a date, a date and time or a duration is, where it is one in
        ISO 8601. Knowing more never changes an answer. Never raises; takes time in proportion to the text.
        """
        value = Evaluation(values, self.doubles).value(self.term)
        return value if isinstance(value, bool) else None


def parse(text: str, language: str | None = None) -> Condition | NotUnderstood:
    """Read a condition. ``language`` is what the file says it is written in, most often nothing: then a
    text that begins with ``=`` is FEEL and one in ``${...}`` or ``#{...}`` JUEL. Any other must be one or
    more comparisons in one of the two, so that prose is not taken for data."""
    if len(text) > MAX_LENGTH:
        return NotUnderstood(f"it has more than {MAX_LENGTH} characters")
    text = text.strip()
    try:
        return _parsed(text, language)
    except Misread as error:
        return NotUnderstood(str(error))


def names_language(language: str | None) -> bool:
    """Whether this is a name or address of FEEL or JUEL."""
    return _is_feel(language) or _is_juel(language)


def _is_feel(language: str | None) -> bool:
    return "feel" in _words(language)


def _is_juel(language: str | None) -> bool:
    return not _words(language).isdisjoint({"juel", "uel"})


def _words(language: str | None) -> set[str]:
    return set(re.findall(r"[a-z]+", (language or "").lower()))


def _parsed(text: str, language: str | None) -> Condition:
    if language and language.strip() and not names_language(language):
        raise Misread(f"the language {language.strip()[:80]} is none of FEEL and JUEL")
    if not text:
        raise Misread("it is empty")
    marked = text[:2] in ("${", "#{") and text.endswith("}")
    if _is_feel(language) or (not language and text.startswith("=")):
        return _condition(Feel(text.removeprefix("=")).whole(), doubles=False)
    if _is_juel(language) or marked:
        return _condition(Juel(text[2:-1] if marked else text).whole(), doubles=True)
    return _condition(_bare(text), doubles=True)


_THOUSANDS = re.compile(r"(?<![\w.])[0-9]{1,3}\.[0-9]{3}(?![\w.])")


def _bare(text: str) -> Term:
    """A text that says of itself neither what it is nor that it is a condition at all."""
    try:
        term = Feel(text).whole()
    except Misread as error:
        try:
            term = Juel(text).whole()
        except Misread:
            raise error from None
    if not _compares(term):
        raise Misread("it compares nothing, so it may be plain words; write it as =... or ${...}")
    if _THOUSANDS.search(text):
        raise Misread("the point in a number may be one between thousands; write it as =... or ${...}")
    return term


def _compares(term: Term) -> bool:
    if isinstance(term, Every | Some):
        return all(map(_compares, term.operands))
    return _compares(term.operand) if isinstance(term, Not) else isinstance(term, Compare | Member | Defined)


def _condition(term: Term, *, doubles: bool) -> Condition:
    fields = set()
    for part, depth in walk(term):
        if depth > MAX_NESTING:
            raise Misread("it is nested too deeply")
        if isinstance(part, Path):
            fields.add(part.name)
    return Condition(term, worded(term), doubles, frozenset(fields))
