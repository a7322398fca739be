"""The naming convention: which label of a flow an event type means when no rule says so (DESIGN 4.1).

A type is tried as it is, then by its last segment, then without regard to case, blanks and punctuation, then
without an ``Event`` ending and a version (``.v1``, ``V2``, ``_v1``), then by ever more of its last segments
joined (``invoice.paid`` for ``Invoice paid``). The first step that finds labels decides; several there are
an ambiguity. At each step the labels themselves come before their aliases (element ids, further names).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Found = tuple[str, ...]
"""Labels meant: none, one, or several (an ambiguity)."""

_Names = list[tuple[str, Found]]

_VERSION = re.compile(r"(?:(?<=[a-z0-9])V|[._\-/:@ ]+[vV])\d+(?:[._]\d+)*$")
_EVENT = re.compile(r"(?:[\W_]+[Ee]vent|[\W_]+EVENT|(?<=[a-z0-9])Event)$")
_SEPARATOR = re.compile(r"[./:#$+]+")
_ASSEMBLY = re.compile(r",\s.*$", re.DOTALL)
"""What .NET puts after a type's name: ``Shop.OrderPlaced, Shop.Contracts, Version=1.0.0.0``."""


def folded(text: str) -> str:
    """Letters and digits only, case folded."""
    return "".join(char for char in text.casefold() if char.isalnum())


def bare(text: str) -> str:
    """Without a version and an ``Event`` at its end, in whichever order."""
    for _ in range(2):
        text = _EVENT.sub("", _VERSION.sub("", text)) or text
    return text


class Naming:
    """The labels of one flow, indexed for :meth:`resolve`."""

    def __init__(self, labels: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> None:
        own: _Names = [(label, (label,)) for label in labels]
        known = own, [(alias, tuple(meant)) for alias, meant in aliases.items()]
        self._exact = _index(known, lambda name: name)
        self._folded = _index(known, folded)
        self._bare = _index(known, lambda name: folded(bare(name)))
        self._ending = _index(known, _folded_ending)

    def resolve(self, name: str) -> Found:
        """The labels ``name`` means: a type on the wire, or a label as somebody wrote it."""
        for index, form in self._steps(name):
            found = index.get(form)
            if found:
                return found
        return ()

    def shared(self) -> Iterator[tuple[str, Found]]:
        """Names that stand for several labels, each with these: an event of that name is ambiguous, and so is
        one that is written like several labels but like none of them exactly."""
        told: set[Found] = set()
        for index in (self._exact, self._folded, self._bare):
            for form, labels in index.items():
                if len(labels) > 1 and labels not in told:
                    told.add(labels)
                    yield form, labels

    def _steps(self, name: str) -> Iterator[tuple[Mapping[str, Found], str]]:
        yield self._exact, name
        plain = _ASSEMBLY.sub("", name.strip())
        segments = _segments(plain)
        unversioned = _segments(bare(plain))
        for ending in (segments[-1], unversioned[-1]):
            yield self._exact, ending
        for form in (plain, segments[-1]):
            yield self._folded, folded(form)
        for form in (plain, segments[-1], unversioned[-1]):
            yield self._bare, folded(bare(form))
        for size in range(2, len(unversioned) + 1):
            yield self._bare, folded("".join(unversioned[-size:]))
        yield self._ending, folded(unversioned[-1])


def nearest(name: str, labels: Iterable[str], limit: int = 3) -> list[str]:
    """The labels that look most like ``name``, best first."""
    by_form: dict[str, str] = {}
    for label in sorted(labels):
        by_form.setdefault(folded(bare(label)), label)
    tried = {folded(form): None for form in (bare(_segments(bare(name))[-1]), bare(name))}
    close = [match for form in tried for match in difflib.get_close_matches(form, by_form, limit, 0.55)]
    return [by_form[form] for form in dict.fromkeys(close)][:limit]


def _segments(name: str) -> list[str]:
    return [segment for segment in _SEPARATOR.split(name) if segment] or [name]


def _folded_ending(name: str) -> str:
    """Only for labels that are themselves written like types; a sentence with a full stop is none."""
    segments = _segments(bare(name))
    return folded(segments[-1]) if len(segments) > 1 and not re.search(r"\s", name) else ""


def _index(known: tuple[_Names, _Names], form: Callable[[str], str]) -> dict[str, Found]:
    """From the form of a name to the labels it stands for; aliases only where no label has that form."""
    index: dict[str, Found] = {}
    for names in known:
        layer: dict[str, set[str]] = {}
        for name, meant in names:
            layer.setdefault(form(name), set()).update(meant)
        for key, labels in layer.items():
            if key:
                index.setdefault(key, tuple(sorted(labels)))
    return index
