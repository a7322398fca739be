"""The texts an event is known by: what may become one, and what no database would take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.decode.body import Unreadable
from monitor.domain.event import Json
from monitor.expressions import compound_text

MAX_NAME_BYTES = 512
"""Of a type, an event id and a producer, as UTF-8: a database index must be able to hold them."""

MAX_SUBJECT_BYTES = 1024


def as_text(value: Json) -> str | None:
    """A JSON (or AMQP) value as the text of an attribute; None for null."""
    if value is None or isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, int | float):
        return str(value)
    return compound_text(value)


def scalar_text(value: Json) -> str | None:
    """A text or whole number as trimmed text; None for everything else and for blanks."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def check_texts(
    type_: str, id_: str | None, producer: str | None, subject: str | None, attributes: Mapping[str, str]
) -> None:
    """Raises Unreadable for a NUL character or half a surrogate pair in a text that will be stored."""
    texts = [type_, id_ or "", producer or "", subject or "", *attributes, *attributes.values()]
    if storable("".join(texts)):
        return
    named = (("type", type_), ("id", id_), ("source", producer), ("subject", subject))
    for name, value in (*named, *attributes.items()):
        for text in (name, value):
            if text and not storable(text):
                what = "a NUL character" if "\0" in text else "half a surrogate pair"
                raise Unreadable(f"the attribute {name} holds {what}", type=type_)


def limit_texts(type_: str, id_: str | None, producer: str | None, subject: str | None) -> None:
    """Raises Unreadable for an attribute that is too long."""
    for name, value, limit in (
        ("type", type_, MAX_NAME_BYTES),
        ("id", id_, MAX_NAME_BYTES),
        ("source", producer, MAX_NAME_BYTES),
        ("subject", subject, MAX_SUBJECT_BYTES),
    ):
        if value and len(value.encode("utf-8", "surrogatepass")) > limit:
            raise Unreadable(
                f"the attribute {name} is longer than {limit} bytes", type=None if name == "type" else type_
            )


def storable(text: str) -> bool:
    """Whether a database takes the text: no NUL character, no half of a surrogate pair."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
