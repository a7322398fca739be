"""Which reader a delivery goes to, and what becomes of what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.decode.body import SUPPORTED, Form, Media, Unreadable, media, parse, unpack
from monitor.decode.cloudevents import binary, structured
from monitor.decode.headers import attribute_values, read_headers
from monitor.decode.plain import Envelope, PlainReader
from monitor.decode.text import MAX_NAME_BYTES, storable
from monitor.domain.event import UNREADABLE, Delivery, Event, InboxReason, Json, Misfit


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """``max_bytes``: of a body as it comes; ``max_unpacked_bytes``: of a compressed body once unpacked.
    ``envelope`` is for plain JSON, ``envelopes`` for that of single sources, by their name."""

    max_bytes: int = 1 << 20
    max_unpacked_bytes: int = 8 << 20
    max_depth: int = 100
    envelope: Envelope = field(default_factory=Envelope)
    envelopes: Mapping[str, Envelope] = field(default_factory=dict)


class Decoder:
    """Decodes deliveries; keeps what it learns about content types and message shapes (bounded caches).

    Raises MappingError when an envelope's expression is not valid.
    """

    _MAX_CACHED = 1024

    def __init__(self, settings: DecodeSettings | None = None) -> None:
        self._settings = settings = settings or DecodeSettings()
        self._plain = PlainReader(settings.envelope)
        self._plains = {source: PlainReader(envelope) for source, envelope in settings.envelopes.items()}
        self._media: dict[str | None, Media] = {}

    def decode(self, delivery: Delivery) -> Sequence[Event | Misfit]:
        """The events of a delivery: one, or those of a batch.

        Members of a batch that cannot be read are told of in one misfit, because the inbox keeps the
        delivery whole, and once. Empty only for an empty batch.
        """
        try:
            return self._read(delivery)
        except Unreadable as error:
            return (_misfit(delivery, error),)

    def _read(self, delivery: Delivery) -> Sequence[Event | Misfit]:
        body, headers = delivery.body, delivery.headers
        if delivery.properties and (why := delivery.properties.get(UNREADABLE)) is not None:
            raise Unreadable(
                f"the message cannot be read from the broker ({why})",
                "It stays in its topic, at this offset: look at it there with another client.",
            )
        if len(body) > self._settings.max_bytes:
            raise Unreadable(
                f"the body has {len(body)} bytes; {self._settings.max_bytes} are allowed",
                "Raise the limit if such messages are expected.",
                reason=InboxReason.OVERSIZED,
            )
        content_type, encoding, attributes, percent = (
            delivery.content_type,
            delivery.content_encoding,
            None,
            False,
        )
        if headers:
            content_type, encoding, attributes, percent = read_headers(delivery)
        content = self._media.get(content_type) or self._learn(content_type)
        if encoding:
            body = unpack(body, encoding, self._settings.max_unpacked_bytes)
        form = content.form
        if form is Form.REFUSED:
            raise Unreadable(f"{content.essence} is not supported", SUPPORTED + ".")
        max_depth = self._settings.max_depth
        if attributes is not None and form is not Form.STRUCTURED and form is not Form.BATCH:
            values = attribute_values(attributes, percent_encoded=percent)
            return (binary(values, body, content, delivery, content_type, max_depth),)
        if form is Form.FOREIGN:
            raise Unreadable(f"content type {content.essence}: {_foreign(content.essence)}", SUPPORTED + ".")
        value = parse(body, content.charset, max_depth)
        if value.__class__ is dict and form is not Form.BATCH:
            return (self._object(value, delivery, 0, form),)
        if value.__class__ is list and form is not Form.STRUCTURED:
            return self._members(value, delivery, form)
        raise Unreadable(f"the body is {_kind(value)}, not {_wanted(form)}", SUPPORTED + ".")

    def _object(self, value: dict[str, Json], delivery: Delivery, index: int, form: Form) -> Event:
        if "specversion" in value:
            return structured(value, delivery, index, self._settings.max_depth)
        if form is Form.STRUCTURED or form is Form.BATCH:
            raise Unreadable("the CloudEvent has no specversion")
        return self._plains.get(delivery.source, self._plain).read(value, delivery, index)

    def _members(self, members: list[Json], delivery: Delivery, form: Form) -> Sequence[Event | Misfit]:
        if not members and form is not Form.BATCH:
            raise Unreadable("the body is an empty list", SUPPORTED + ".")
        events: list[Event | Misfit] = []
        refused: list[tuple[int, Unreadable]] = []
        for index, member in enumerate(members):
            try:
                if not isinstance(member, dict):
                    raise Unreadable(f"it is {_kind(member)}, not an object", SUPPORTED + ".")  # noqa: TRY301
                events.append(self._object(member, delivery, index, form))
            except Unreadable as error:
                refused.append((index, error))
        if refused:
            events.append(_misfit(delivery, _together(refused, len(members))))
        return events

    def _learn(self, content_type: str | None) -> Media:
        if len(self._media) >= self._MAX_CACHED:
            self._media.clear()  # content types are the producers': they must not fill the memory
        return self._media.setdefault(content_type, media(content_type))


_TOLD = 5


def _together(refused: list[tuple[int, Unreadable]], members: int) -> Unreadable:
    """One refusal for several members of a batch."""
    first = refused[0][1]
    told = [f"member {index + 1} of {members}: {error.detail}" for index, error in refused[:_TOLD]]
    if len(refused) > _TOLD:
        told.append(f"and {len(refused) - _TOLD} more")
    return Unreadable("; ".join(told), first.mend, reason=first.reason, type=first.type)


def _misfit(delivery: Delivery, error: Unreadable) -> Misfit:
    detail = error.detail if error.detail.isprintable() else ascii(error.detail)
    type_ = error.type[:MAX_NAME_BYTES] if error.type and storable(error.type) else None
    return Misfit(delivery, error.reason, detail, error.mend, type_)


def _foreign(essence: str | None) -> str:
    if essence == "text/csv":
        return "a row that does not fit the header of its file"
    return "can be read only as the data of a CloudEvent in binary mode"


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return names.get(type(value), "a number")


def _wanted(form: Form) -> str:
    return "a list of CloudEvents" if form is Form.BATCH else "an object"
