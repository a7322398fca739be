"""The configuration's ``events`` rules: which events they are about, and what they say of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from monitor.domain.event import Event, Json
from monitor.errors import MappingError
from monitor.expressions import EventGetter, JsonGetter, header, over_event, over_json

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which events a rule is about; everything given must hold, and of several texts one.

    Texts may hold ``*`` and ``?``. ``source`` is the configured source's name, ``producer`` the CloudEvents
    source, ``channel`` the topic or queue. A ``routing_key`` whose wildcards are whole words is read as AMQP
    reads it (``order.*.paid``, ``order.#``). ``headers`` are compared by name without regard to case.
    ``data`` maps an expression over the event's data (a leading ``data.`` may be written) to what it must
    be: a text with wildcards, another scalar, a list of them, or null for absent.
    """

    source: Texts = ()
    type: Texts = ()
    subject: Texts = ()
    producer: Texts = ()
    channel: Texts = ()
    exchange: Texts = ()
    routing_key: Texts = ()
    headers: Mapping[str, Texts] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From plain settings; ``topic`` and ``queue`` stand for ``channel``; None is as good as absent.

        Raises MappingError for a key nobody knows.
        """
        given: dict[str, Any] = {}
        for name, value in settings.items():
            name = {"topic": "channel", "queue": "channel"}.get(name, name)
            if name not in cls.__slots__:
                raise MappingError(f"match: there is no {name!r}; there is {', '.join(cls.__slots__)}")
            if name == "headers":
                given[name] = {header: _texts(wanted) for header, wanted in (value or {}).items()}
            elif name == "data":
                given[name] = dict(value or {})
            elif value is not None:
                given[name] = (*given.get(name, ()), *_texts(value))
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one entry of ``events`` says.

    ``label`` is the event's name in the models (None: by convention); one that begins with ``=`` is an
    expression (``=data.status``). ``models`` restricts the rule to flows with these keys. ``keys`` maps key
    names, ``attributes`` names SLAs and conditions refer to, to expressions. ``keep`` are expressions of
    what may be stored of the event. ``ignore``: the event is knowingly no part of any (or these) flows.
    """

    match: Matcher = Matcher()
    label: str | None = None
    models: Texts = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    keep: Texts = ()
    ignore: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From plain settings, named as in the configuration (``as`` or ``label``, ``model`` or ``models``).

        Raises MappingError for a key nobody knows.
        """
        given: dict[str, Any] = {}
        for name, value in settings.items():
            name = {"as": "label", "model": "models"}.get(name, name)
            if name not in cls.__slots__:
                raise MappingError(f"there is no {name!r}; there is {', '.join(cls.__slots__)}")
            if value is None:
                continue
            if name == "match":
                value = Matcher.of(value)
            elif name in ("models", "keep"):
                value = _texts(value)
            given[name] = value
        return cls(**given)


def _texts(value: Any) -> Texts:
    return (value,) if isinstance(value, str) else tuple(value)


Test = Callable[[Event], bool]
TextTest = Callable[[str | None], bool]


class CompiledRule(NamedTuple):
    """A rule ready for use. ``number`` counts from 0. ``fixed`` tests depend only on what
    :class:`RuleBook` remembers its choice by; ``open`` ones are made for every event."""

    number: int
    rule: Rule
    fixed: tuple[Test, ...]
    open: tuple[Test, ...]
    label: EventGetter | None
    keys: tuple[tuple[str, EventGetter], ...]
    attributes: tuple[tuple[str, EventGetter], ...]
    keep: tuple[tuple[str, EventGetter], ...]


class _Choice(NamedTuple):
    """The rules whose fixed tests hold: their numbers where that settles it, else the rules to try."""

    settled: tuple[int, ...] | None
    candidates: tuple[CompiledRule, ...]


class RuleBook:
    """Rules in order. Raises MappingError for an invalid expression, naming the rule (from 1) and the key."""

    _MAX_CACHED = 4096

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(_compiled(number, rule) for number, rule in enumerate(rules))
        matchers = [compiled.rule.match for compiled in self.rules]
        self._by_source = any(matcher.source for matcher in matchers)
        self._by_channel = any(matcher.channel for matcher in matchers)
        self._by_exchange = any(matcher.exchange for matcher in matchers)
        self._by_routing_key = any(matcher.routing_key for matcher in matchers)
        self._choices: dict[tuple[str | None, ...], _Choice] = {}

    def matching(self, event: Event) -> tuple[int, ...]:
        """Numbers of the rules that match, in order, as far as they can matter: up to the first that is
        not restricted to certain models."""
        delivery = event.delivery
        position = delivery.position
        signature = (
            event.type,
            delivery.source if self._by_source else None,
            position.channel if self._by_channel else None,
            position.exchange if self._by_exchange else None,
            position.routing_key if self._by_routing_key else None,
        )
        choice = self._choices.get(signature) or self._learn(signature, event)
        if choice.settled is not None:
            return choice.settled
        numbers = []
        for candidate in choice.candidates:
            if all(test(event) for test in candidate.open):
                numbers.append(candidate.number)
                if not candidate.rule.models:
                    break
        return tuple(numbers)

    def _learn(self, signature: tuple[str | None, ...], event: Event) -> _Choice:
        chosen: list[CompiledRule] = []
        for compiled in self.rules:
            if all(test(event) for test in compiled.fixed):
                chosen.append(compiled)
                if not compiled.open and not compiled.rule.models:
                    break
        settled = not any(compiled.open for compiled in chosen)
        choice = _Choice(
            tuple(compiled.number for compiled in chosen) if settled else None,
            () if settled else tuple(chosen),
        )
        if len(self._choices) >= self._MAX_CACHED:
            self._choices.clear()  # what producers send must not fill the memory
        self._choices[signature] = choice
        return choice


def _compiled(number: int, rule: Rule) -> CompiledRule:
    def event_getter(key: str, text: str) -> EventGetter:
        try:
            return over_event(text)
        except MappingError as error:
            raise MappingError(f"events, rule {number + 1}, {key}: {error}") from error

    def getters(key: str, expressions: Mapping[str, str]) -> tuple[tuple[str, EventGetter], ...]:
        return tuple((name, event_getter(f"{key}.{name}", text)) for name, text in expressions.items())

    matcher = rule.match
    fixed: list[Test] = []
    for texts, begin in (
        (matcher.source, lambda event: event.delivery.source),
        (matcher.type, lambda event: event.type),
        (matcher.channel, lambda event: event.delivery.position.channel),
        (matcher.exchange, lambda event: event.delivery.position.exchange),
    ):
        if texts:
            fixed.append(_test(begin, texts, _glob))
    if matcher.routing_key:
        fixed.append(
            _test(lambda event: event.delivery.position.routing_key, matcher.routing_key, _routing_key)
        )
    open_: list[Test] = []
    if matcher.producer:
        open_.append(_test(lambda event: event.producer, matcher.producer, _glob))
    if matcher.subject:
        open_.append(_test(lambda event: event.subject, matcher.subject, _glob))
    open_.extend(_header_test(name, texts) for name, texts in matcher.headers.items())
    for text, wanted in matcher.data.items():
        try:
            open_.append(_data_test(text, wanted))
        except MappingError as error:
            raise MappingError(f"events, rule {number + 1}, match.data: {error}") from error
    label = rule.label
    return CompiledRule(
        number,
        rule,
        tuple(fixed),
        tuple(open_),
        event_getter("as", label[1:]) if label and label.startswith("=") else None,
        getters("keys", rule.keys),
        getters("attributes", rule.attributes),
        tuple((text, event_getter("keep", text)) for text in rule.keep),
    )


def _test(begin: Callable[[Event], str | None], texts: Texts, compile_: Callable[[str], TextTest]) -> Test:
    tests = tuple(map(compile_, texts))
    if len(tests) == 1:
        (only,) = tests
        return lambda event: only(begin(event))
    return lambda event: any(test(begin(event)) for test in tests)


def _header_test(name: str, texts: Texts) -> Test:
    return _test(lambda event: header(event.delivery.headers, name), texts, _glob)


def _glob(pattern: str) -> TextTest:
    """``*`` any text, ``?`` one character; everything else is itself."""
    if "*" not in pattern and "?" not in pattern:
        return lambda text: text == pattern
    first, *middle = [
        "".join("." if char == "?" else re.escape(char) for char in part) for part in pattern.split("*")
    ]
    last = f".*{middle.pop()}" if middle else ""
    # each part is sought from where the one before was first found, and never again: no text takes long
    regex = first + "".join(f"(?>.*?{part})" for part in middle) + last
    matches = re.compile(regex, re.DOTALL).fullmatch
    return lambda text: text is not None and matches(text) is not None


def _routing_key(pattern: str) -> TextTest:
    """As AMQP 0-9-1 binds topics: ``*`` is one word, ``#`` any number of words, words are parted by dots.
    A pattern with wildcards inside words is a glob."""
    words = pattern.split(".")
    if any(word not in ("*", "#") and re.search(r"[*#?]", word) for word in words):
        return _glob(pattern)
    if "*" not in words and "#" not in words:
        return lambda text: text == pattern
    return lambda text: text is not None and _topic_matches(words, text.split("."))


def _topic_matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    # reached[i]: the first i words of the pattern can stand for the words read so far
    reached = [True] + [False] * len(pattern)
    for place, expected in enumerate(pattern):
        reached[place + 1] = reached[place] and expected == "#"
    for word in words:
        before = reached
        reached = [False] * (len(pattern) + 1)
        for place, expected in enumerate(pattern):
            if expected == "#":
                reached[place + 1] = reached[place] or before[place + 1] or before[place]
            else:
                reached[place + 1] = before[place] and expected in ("*", word)
    return reached[-1]


def _data_test(text: str, wanted: Json) -> Test:
    get = _over_data(text)
    accepted = tuple(map(_value_test, wanted if isinstance(wanted, list | tuple) else (wanted,)))
    return lambda event: any(accept(get(event.data)) for accept in accepted)


def _over_data(text: str) -> JsonGetter:
    text = text.strip()
    if text == "data":
        return lambda data: data
    if text.startswith("data."):
        return over_json(text[5:])
    return over_json(text[4:] if text.startswith("data[") else text)


def _value_test(wanted: Json) -> Callable[[Json], bool]:
    if isinstance(wanted, str):
        matches = _glob(wanted)
        return lambda value: matches(_scalar(value))
    # 1 and True are equal in Python, not in JSON
    return lambda value: value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _scalar(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
