"""Plain JSON objects: which of their fields, of the message's properties and of its headers say what
happened, when, and to what.

There is no standard, so an :class:`Envelope` lists expressions for each attribute, and the first that finds
something counts. The defaults know the names in common use, those of process logs (XES, CSV exports), and
the envelopes of Zeebe messages and MassTransit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Self

from monitor.decode.body import Unreadable
from monitor.decode.text import as_text, check_texts, limit_texts, scalar_text
from monitor.decode.times import moment, without_time
from monitor.domain.event import Delivery, Event, Json, TimeOrigin
from monitor.errors import MappingError
from monitor.expressions import dotted, header, header_text, key_text, over_json
from monitor.identity import identity

Names = tuple[str, ...]

ATTRIBUTES: Mapping[str, Names] = {
    "correlationid": (
        "correlationId",
        "properties.correlation_id",
        "headers.correlationId",
        "conversationId",
    ),
    "causationid": ("causationId", "headers.causationId"),
    "traceid": ("traceId",),
    "traceparent": ("traceparent", "headers.traceparent"),
    "businessKey": ("businessKey",),
    "bamtxid": ("bamtxid",),
    "group": ("group",),
    "sequence": ("sequence",),
    "sequencetype": ("sequencetype",),
    "lifecycle:transition": ("lifecycle:transition", "lifecycle"),
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a plain JSON message keeps the attributes of its event: for each, expressions in order.

    A single name is a field of the message and is found without regard to case and punctuation
    (``event_type``, ``Event Type``). Dotted paths and JMESPath see the message's fields, and under reserved
    names the rest of the delivery: ``body`` (the message itself), ``headers``, ``properties`` (AMQP), ``key``
    (Kafka), ``channel``, ``exchange``, ``routing_key``. A bare ``id`` is no default for the event's id,
    because it mostly is the id of the thing the event is about. ``data`` counts only where it is an object;
    else the whole message is the data. ``attributes`` are further ones by name.
    """

    type: Names = (
        "type", "eventType", "messageType", "activity", "concept:name",
        "properties.type",
        "headers.type", "headers.eventType", "headers.messageType",
        "headers.__TypeId__", "headers.NServiceBus.EnclosedMessageTypes",
    )  # fmt: skip
    id: Names = ("eventId", "messageId", "properties.message_id", "headers.eventId", "headers.messageId")
    time: Names = (
        "time", "timestamp", "occurredAt", "eventTime", "createdAt", "time:timestamp",
        "sentTime", "completeTimestamp", "startTimestamp", '"@timestamp"',
    )  # fmt: skip
    subject: Names = ("subject", "case", "trace", "caseId", "case:concept:name")
    producer: Names = ("producer", "source", "properties.app_id")
    data: Names = ("data", "payload")
    attributes: Mapping[str, Names] = field(default_factory=lambda: ATTRIBUTES)

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> Self:
        """From plain settings: attribute name -> one expression or several, tried in order, each
        replacing that attribute's default; ``source`` is the producer, as in a CloudEvent. A name that is no
        field of this class is a further attribute.

        Raises MappingError.
        """
        own = {known.name for known in fields(cls)} - {"attributes"}
        given: dict[str, Names] = {}
        further = dict(ATTRIBUTES)
        for name, value in settings.items():
            name = "producer" if name == "source" else name
            if isinstance(value, Mapping) and name == "attributes":
                further.update((str(key), _names(str(key), texts)) for key, texts in value.items())
            elif name in own:
                given[name] = _names(name, value)
            else:
                further[name] = _names(name, value)
        return cls(**given, attributes=further)


def _names(name: str, value: object) -> Names:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise MappingError(f"envelope, {name}: must be an expression or a list of expressions, not {value!r}")
    return tuple(texts)


_DIALECTS: tuple[tuple[Set[str], Mapping[str, str]], ...] = (
    # a Zeebe message
    ({"name", "correlationKey"}, {"type": "name", "subject": "correlationKey", "data": "variables"}),
    # what MassTransit wraps around a message
    ({"message", "messageType"}, {"data": "message"}),
)

Message = dict[str, Json]
Getter = Callable[[Message, Delivery], Json]


class _Candidate(NamedTuple):
    """One expression. ``field`` is the field the message must have for it to find anything; None where
    that cannot be told. ``exact`` is False where the field may also be spelt another way."""

    getter: Callable[[str], Getter]
    field: str | None = None
    exact: bool = False


class _Plan(NamedTuple):
    """For messages with the same fields: what can find something, in order."""

    type: tuple[Getter, ...]
    id: tuple[Getter, ...]
    time: tuple[Getter, ...]
    subject: tuple[Getter, ...]
    producer: tuple[Getter, ...]
    data: tuple[Getter, ...]
    attributes: tuple[tuple[str, tuple[Getter, ...]], ...]


class PlainReader:
    """Reads plain JSON objects by one envelope. Raises MappingError for an invalid expression in it."""

    _MAX_PLANS = 1024

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._candidates: dict[str, tuple[_Candidate, ...]] = {}
        for attribute in _Plan._fields[:-1]:
            self._candidates[attribute] = _candidates(attribute, getattr(envelope, attribute))
        self._further = {name: _candidates(name, texts) for name, texts in envelope.attributes.items()}
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def read(self, message: Message, delivery: Delivery, index: int) -> Event:
        """The event of a JSON object. Raises Unreadable."""
        shape = tuple(message)
        plan = self._plans.get(shape) or self._learn(shape)
        type_ = _first_text(plan.type, message, delivery, of_list=True)
        if type_ is None:
            looked = ", ".join(self._envelope.type[:6])
            raise Unreadable(
                f"nothing says what kind of event this is: looked for {looked} and headers",
                "Name the field that does as the envelope's type.",
            )
        id_ = _first_text(plan.id, message, delivery)
        subject = _first_text(plan.subject, message, delivery)
        producer = _first_text(plan.producer, message, delivery)
        time, origin = _time(plan.time, message, delivery, type_)
        data: Json = message
        attributes: dict[str, str] = {}
        for getter in plan.data:
            found = getter(message, delivery)
            if isinstance(found, dict):
                data = found
                attributes = _scalars(message)
                break
        for name, getters in plan.attributes:
            text = _first_text(getters, message, delivery)
            if text is not None:
                attributes[name] = text
        check_texts(type_, id_, producer, subject, attributes)
        limit_texts(type_, id_, producer, subject)
        return Event(
            type_, time, origin, identity(delivery, producer, id_, index), delivery,
            id_, producer, subject, data, attributes, index,
        )  # fmt: skip

    def _learn(self, shape: tuple[str, ...]) -> _Plan:
        spellings: dict[str, str] = {}
        for name in shape:
            spellings.setdefault(_folded(name), name)
        fields_ = frozenset(shape)

        def present(candidates: tuple[_Candidate, ...]) -> tuple[Getter, ...]:
            getters = []
            for candidate in candidates:
                name = candidate.field
                if name is not None and name not in fields_:
                    name = None if candidate.exact else spellings.get(_folded(name))
                    if name is None:
                        continue
                getters.append(candidate.getter(name or ""))
            return tuple(getters)

        found = {attribute: present(candidates) for attribute, candidates in self._candidates.items()}
        for required, dialect in _DIALECTS:
            if required <= fields_:
                for attribute, name in dialect.items():
                    found[attribute] += (_field(name),)
        further = ((name, present(candidates)) for name, candidates in self._further.items())
        plan = _Plan(**found, attributes=tuple((name, getters) for name, getters in further if getters))
        if len(self._plans) >= self._MAX_PLANS:
            self._plans.clear()  # field names are the producers': what they send must not fill the memory
        if len(shape) <= 100:
            self._plans[shape] = plan
        return plan


def _candidates(attribute: str, texts: Names) -> tuple[_Candidate, ...]:
    try:
        return tuple(_candidate(text.strip()) for text in texts)
    except MappingError as error:
        raise MappingError(f"envelope, {attribute}: {error}") from error


def _candidate(text: str) -> _Candidate:
    path = dotted(text)
    if path is None:
        search = over_json(text)
        return _Candidate(lambda _: lambda message, delivery: search(_document(message, delivery)))
    root, rest = path[0], path[1:]
    name = ".".join(rest)
    if root == "headers" and name:
        return _Candidate(lambda _: _header(name))
    if root == "properties" and name:
        return _Candidate(lambda _: lambda _message, delivery: delivery.properties.get(name))
    if root == "body" and rest:
        inside = over_json(".".join(f'"{part}"' for part in rest))
        return _Candidate(lambda _: lambda message, _delivery: inside(message), rest[0], exact=True)
    if root in _WIRE and not rest:
        wire = _WIRE[root]
        return _Candidate(lambda _: lambda _message, delivery: wire(delivery))
    if not rest:
        return _Candidate(_field, root)
    walk = over_json(text)
    return _Candidate(lambda _: lambda message, _delivery: walk(message), root, exact=True)


def _field(name: str) -> Getter:
    return lambda message, _delivery: message.get(name)


def _header(name: str) -> Getter:
    folded = _folded(name)

    def get(_message: Message, delivery: Delivery) -> Json:
        headers = delivery.headers
        if not headers:
            return None
        found = header(headers, name)
        if found is not None:
            return found
        # eventType, event-type and event_type are the same to whoever wrote the default
        return next(
            (header_text(value) for other, value in headers.items() if _folded(other) == folded), None
        )

    return get


_WIRE: Mapping[str, Callable[[Delivery], str | None]] = {
    "key": key_text,
    "channel": lambda delivery: delivery.position.channel,
    "topic": lambda delivery: delivery.position.channel,
    "queue": lambda delivery: delivery.position.channel,
    "exchange": lambda delivery: delivery.position.exchange,
    "routing_key": lambda delivery: delivery.position.routing_key,
}


def _document(message: Message, delivery: Delivery) -> Message:
    return {
        **message,
        **{name: wire(delivery) for name, wire in _WIRE.items()},
        "headers": {name: header_text(value) for name, value in delivery.headers.items()},
        "properties": dict(delivery.properties),
        "body": message,
    }


_PUNCTUATION = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    return _PUNCTUATION.sub("", name).casefold()


def _first_text(
    getters: tuple[Getter, ...], message: Message, delivery: Delivery, *, of_list: bool = False
) -> str | None:
    for getter in getters:
        value = getter(message, delivery)
        if of_list and isinstance(value, list) and value:
            value = value[0]
        text = scalar_text(value)
        if text is not None:
            return text
    return None


def _time(
    getters: tuple[Getter, ...], message: Message, delivery: Delivery, type_: str
) -> tuple[datetime, TimeOrigin]:
    for getter in getters:
        value = getter(message, delivery)
        if value is None or value == "":
            continue
        try:
            return moment(value), TimeOrigin.PRODUCER
        except ValueError as error:
            raise Unreadable(
                f"the event's time {str(value)[:60]!r} cannot be read: {str(error)[:200]}",
                "Send RFC 3339 (2024-05-01T12:00:00Z) or a number of seconds or milliseconds since 1970,"
                " or name another field as the envelope's time.",
                type=type_,
            ) from None
    return without_time(delivery)


def _scalars(message: Message) -> dict[str, str]:
    """The fields beside the data, so that expressions find them."""
    return {
        name: text
        for name, value in message.items()
        if not isinstance(value, dict | list) and (text := as_text(value)) is not None
    }
