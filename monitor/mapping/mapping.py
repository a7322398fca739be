"""From event to observations.

For each flow, the first rule that matches the event and is meant for that flow decides; a flow without such
a rule goes by convention (DESIGN 4.1): the label by :mod:`monitor.mapping.naming`, the key from the subject
or a correlation attribute. An event that belongs nowhere becomes a misfit which says what would mend it.

What becomes of an event depends, but for its keys, on little: its type, the rules that match, what they say
of its label, and whether it is an activity's start. So that is worked out once for each combination.
"""

from __future__ import annotations

import math
from collections import abc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from monitor.domain.event import Event, InboxReason, Json, Key, Misfit, Observation
from monitor.errors import MappingError
from monitor.expressions import EventGetter, over_event
from monitor.mapping import sentences
from monitor.mapping.fields import ABSENT, FieldGetter, field_getter
from monitor.mapping.keys import KeyUnfit, conventional, encodes, key_text
from monitor.mapping.naming import Naming
from monitor.mapping.rules import CompiledRule, Rule, RuleBook

MAX_ATTRIBUTE_LENGTH = 1024
"""Characters of a text kept for SLAs and conditions; longer ones are left out."""

_LIFECYCLE = "lifecycle:transition"
_LIFECYCLE_STEPS = frozenset(
    {"start", "schedule", "assign", "reassign", "suspend", "resume", "withdraw", "autoskip", "manualskip"}
    | {"pi_abort", "ate_abort"}
)
"""XES transitions that are not an activity's completion."""


@dataclass(frozen=True, slots=True)
class FlowLabels:
    """What mapping needs to know of an expected flow.

    ``flow`` is its key. ``aliases``: element ids and further names -> the labels they stand for. ``starts``:
    label -> the label under which the start of the same activity is observed, for logs that tell both.
    ``key``: the name of its main correlation key, None where the model names none (then ``case``). ``keys``:
    label -> default key expressions by key name, from the model itself. ``attributes``: expressions whose
    values SLAs and conditions need; each is kept on the observation under its own text. ``fields``: dotted
    names that conditions read; each is kept under that name where a rule keeps it (``mapping.fields``).
    """

    flow: str
    labels: abc.Collection[str]
    aliases: abc.Mapping[str, Sequence[str]] = field(default_factory=dict)
    starts: abc.Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    keys: abc.Mapping[str, abc.Mapping[str, str]] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    fields: abc.Collection[str] = ()


Getters = tuple[tuple[str, EventGetter], ...]


class _Flow(NamedTuple):
    """A flow, ready for use."""

    key: str
    main_key: str
    labels: FlowLabels
    naming: Naming
    keys: abc.Mapping[str, Getters]
    attributes: Getters


class _Way(NamedTuple):
    """How events of one kind become observations of one flow. ``stated`` keys come from a rule: only they
    count. Where none of the model's own is found, or there is none, the convention does."""

    flow: str
    label: str
    main_key: str
    keys: Getters
    stated: bool
    attributes: Getters
    fields: tuple[tuple[str, FieldGetter], ...]


class _Kind(NamedTuple):
    """Events that fare alike. ``stated``: what the label expressions of the matched rules found.
    ``transition``: of an activity, where it is not its completion."""

    type: str
    matched: tuple[int, ...]
    stated: tuple[str | None, ...]
    transition: str | None


class _Plan(NamedTuple):
    """What becomes of the events of one kind. Neither ways nor refusal: ignored."""

    ways: tuple[_Way, ...] = ()
    refusal: tuple[InboxReason, str, str] | None = None


class Mapping:
    """Maps events by ``rules``, in order, to ``flows``.

    ``keep`` are expressions of what may be stored of every event, besides each rule's own. With
    ``strict_unknown``, which needs exactly one flow, an event that is no label of it is observed under its
    type, so that the checker can say so, instead of going to the inbox.

    Raises MappingError: an invalid expression, naming the rule and key; ``strict_unknown`` with any other
    number of flows.
    """

    _MAX_PLANS = 4096

    def __init__(
        self,
        rules: Iterable[Rule],
        flows: Iterable[FlowLabels],
        *,
        keep: Sequence[str] = (),
        strict_unknown: bool = False,
    ) -> None:
        self._book = RuleBook(rules)
        self._rules = self._book.rules
        self._flows = tuple(map(_flow, flows))
        if strict_unknown and len(self._flows) != 1:
            raise MappingError(
                f"exactly one flow can be checked strictly, not {len(self._flows)}", mend="Name the model."
            )
        self._strict = strict_unknown
        self._keep = tuple((text, _getter("keep", text)) for text in keep)
        self._keeps = bool(self._keep) or any(rule.keep for rule in self._rules)
        self._labelling = frozenset(rule.number for rule in self._rules if rule.label)
        self._plans: dict[_Kind, _Plan] = {}

    def observe(self, event: Event) -> Sequence[Observation] | Misfit:
        """The event's observations, at most one for each flow; none for an event that is to be ignored.

        A flow for which no key is found gets none; the event is a misfit only where that leaves nothing.
        """
        matched = self._book.matching(event) if self._rules else ()
        attributes = event.attributes
        kind = _Kind(
            event.type,
            matched,
            self._stated(matched, event) if self._labelling else (),
            _transition(attributes[_LIFECYCLE]) if _LIFECYCLE in attributes else None,
        )
        plan = self._plans.get(kind) or self._learn(kind)
        if plan.refusal is not None:
            reason, detail, mend = plan.refusal
            return Misfit(event.delivery, reason, detail, mend, event.type, event)
        observations: list[Observation] = []
        unfit: str | None = None
        for way in plan.ways:
            try:
                keys = _keys(way, event)
            except KeyUnfit as error:
                unfit = str(error)
                continue
            if keys:
                observations.append(_observation(way, keys, event))
        if observations or not plan.ways:
            return observations
        way = plan.ways[0]
        stated = [name for name, _ in way.keys] if way.stated else []
        detail = unfit or sentences.without_key(way.label, way.flow, stated)
        mend = sentences.key_mend(event, way.main_key)
        return Misfit(event.delivery, InboxReason.NO_KEY, detail, mend, event.type, event)

    def kept(self, event: Event) -> str | None:
        """JSON text of what may be stored of the event: an object of each ``keep`` expression that found
        something, under its own text. None where nothing is to be kept, which is the default: correlation
        keys and what SLAs and conditions use are stored all the same, with the observations. ``data``
        as an expression keeps the whole payload."""
        if not self._keeps:
            return None
        expressions = self._keep
        if self._rules:
            for number in self._book.matching(event):
                expressions += self._rules[number].keep
        found = {text: value for text, get in expressions if (value := get(event)) is not None}
        if not found:
            return None
        try:
            raw = orjson.dumps(found)
        except TypeError:  # what an expression worked out need not be what JSON can say
            return orjson.dumps(_cleaned(found)).decode()
        if b"\\u0000" in raw:
            raw = orjson.dumps(_cleaned(found))
        return raw.decode()

    def _kept_of(self, matched: tuple[int, ...]) -> list[str]:
        """The ``keep`` expressions that are about events which these rules match."""
        keep = [*self._keep, *(one for number in matched for one in self._rules[number].keep)]
        return [text for text, _ in keep]

    def _stated(self, matched: tuple[int, ...], event: Event) -> tuple[str | None, ...]:
        """What the label expressions of the matched rules say of this event."""
        if self._labelling.isdisjoint(matched):
            return ()
        getters = (self._rules[number].label for number in matched)
        return tuple(_label_text(get(event)) if get else None for get in getters)

    def _learn(self, kind: _Kind) -> _Plan:
        if len(self._plans) >= self._MAX_PLANS:
            self._plans.clear()  # types are the producers': what they send must not fill the memory
        plan = self._plans[kind] = self._plan(kind)
        return plan

    def _plan(self, kind: _Kind) -> _Plan:
        ways: list[_Way] = []
        notes: list[str] = []
        ignored = any(self._rules[number].rule.ignore for number in kind.matched)
        for flow in self._flows:
            rule, name = self._named(kind, flow)
            if rule is not None and rule.rule.ignore:
                continue
            if name is None:
                notes.append("the rule's expression for the label found nothing")
                continue
            labels = flow.naming.resolve(name)
            if len(labels) > 1:
                told = sentences.ambiguous(kind.type, name, labels, flow.key)
                return _Plan(refusal=(InboxReason.AMBIGUOUS, *told))
            label = labels[0] if labels else name if self._strict else None
            if label is None:
                if rule is not None and rule.rule.label:
                    notes.append(f"rule {rule.number + 1} says {name!r}, which flow {flow.key} does not have")
                continue
            if kind.transition is not None and labels:
                start = flow.labels.starts.get(label) if kind.transition == "start" else None
                if start is None:
                    ignored = True  # this flow sees the activity's completion only
                    continue
                label = start
            ways.append(_way(flow, label, rule, self._kept_of(kind.matched)))
        if ways or ignored:
            return _Plan(tuple(ways))
        known = {label for flow in self._flows for label in flow.labels.labels}
        told = sentences.unmapped(kind.type, known, [flow.key for flow in self._flows], notes)
        return _Plan(refusal=(InboxReason.UNMAPPED, *told))

    def _named(self, kind: _Kind, flow: _Flow) -> tuple[CompiledRule | None, str | None]:
        """The rule that decides for the flow, if any, and the name to look for among its labels (None where
        its expression for that found nothing)."""
        for place, number in enumerate(kind.matched):
            rule = self._rules[number]
            if _is_for(rule, flow):
                return rule, kind.stated[place] if rule.label else rule.rule.label or kind.type
        return None, kind.type


def _flow(labels: FlowLabels) -> _Flow:
    where = f"flow {labels.flow}"
    keys = {
        label: tuple((name, _getter(f"{where}, key {name} of {label}", text)) for name, text in given.items())
        for label, given in labels.keys.items()
    }
    attributes = tuple((text, _getter(f"{where}, attributes", text)) for text in labels.attributes)
    naming = Naming(labels.labels, labels.aliases)
    return _Flow(labels.flow, labels.key or "case", labels, naming, keys, attributes)


def _getter(where: str, text: str) -> EventGetter:
    try:
        return over_event(text)
    except MappingError as error:
        raise MappingError(f"{where}: {error}") from error


def _is_for(rule: CompiledRule, flow: _Flow) -> bool:
    return not rule.rule.models or flow.key in rule.rule.models


def _way(flow: _Flow, label: str, rule: CompiledRule | None, keep: Sequence[str]) -> _Way:
    stated = rule.keys if rule is not None else ()
    main = flow.main_key
    keys = tuple(sorted(stated or flow.keys.get(label, ()), key=lambda item: item[0] != main))
    attributes = {**dict(flow.attributes), **dict(rule.attributes if rule is not None else ())}
    given = rule.rule.attributes if rule is not None else {}
    found = ((name, field_getter(name, given, keep)) for name in sorted(flow.labels.fields))
    fields = {name: get for name, get in found if get is not None}
    plain = tuple((name, get) for name, get in attributes.items() if name not in fields)
    return _Way(flow.key, label, main, keys, bool(stated), plain, tuple(fields.items()))


def _keys(way: _Way, event: Event) -> tuple[Key, ...]:
    """The event's keys, the main one first. Raises KeyUnfit."""
    if way.keys:
        found = tuple(
            Key(name, text) for name, get in way.keys if (text := key_text(get(event), name)) is not None
        )
        if found or way.stated:
            return found
    text = conventional(event, way.main_key)
    return () if text is None else (Key(way.main_key, text),)


def _observation(way: _Way, keys: tuple[Key, ...], event: Event) -> Observation:
    delivery = event.delivery
    position = delivery.position
    lane = offset = None
    if position.partition is not None and position.offset is not None:
        lane = f"{delivery.source}/{position.channel}/{position.partition}"
        offset = position.offset
    attributes = event.attributes
    return Observation(
        way.flow,
        way.label,
        event.time,
        event.identity,
        keys,
        event.id,
        event.producer,
        lane,
        offset,
        _sequence(attributes["sequence"]) if "sequence" in attributes else None,
        attributes.get("causationid"),
        _attributes(way, event) if way.attributes or way.fields else (),
    )


def _attributes(way: _Way, event: Event) -> tuple[tuple[str, Json], ...]:
    """Scalars only: observations are stored and pickled, and conditions compare nothing else. A null counts
    where a condition could ask for it; what is there but too much to keep is an empty list, for what an
    earlier event said no longer holds."""
    found = ((name, get(event)) for name, get in way.attributes)
    asked = ((name, get(event)) for name, get in way.fields)
    return (
        *((name, value) for name, value in found if _is_plain(value)),
        *(
            (name, value if value is None or _is_plain(value) else [])
            for name, value in asked
            if value is not ABSENT
        ),
    )


def _is_plain(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ATTRIBUTE_LENGTH and "\0" not in value and encodes(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and _fits(value)


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63


def _sequence(text: str) -> int | None:
    """The CloudEvents ``sequence`` extension where it is a number that a database column holds."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def _transition(lifecycle: str) -> str | None:
    """An XES transition that is not a completion; None for one that is, and for words of another kind."""
    lowered = lifecycle.strip().lower()
    return lowered if lowered in _LIFECYCLE_STEPS else None


def _label_text(value: Json) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _cleaned(value: Json) -> Json:
    """The value as every database takes it: PostgreSQL takes no NUL, not even escaped, and no half of a
    surrogate pair; whole numbers past 64 bits become texts."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return str(value) if isinstance(value, int) and not _fits(value) else value
