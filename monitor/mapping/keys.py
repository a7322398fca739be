"""Correlation keys: which values can be one, and where an event keeps its key by convention."""

from __future__ import annotations

from monitor.domain.event import Event, Json

MAX_KEY_LENGTH = 512
"""Characters of a correlation key. Longer ones are no key but a mapping gone wrong."""

_EXACT_FLOAT = 2.0**53
_ATTRIBUTES = (
    "correlationid",
    "traceid",
    "case",
    "businessKey",
    "businesskey",
    "bamtxid",
    "correlationKey",
    "correlationkey",
)
"""Tried in this order after the subject; CloudEvents extensions are lower case, plain messages are not."""

PLACES = "subject, correlationid, traceid, case, businessKey, bamtxid"
"""The same, for people."""


class KeyUnfit(ValueError):
    """A value was found where the key should be, but it cannot be one."""


def key_text(value: Json, name: str) -> str | None:
    """A value as the text of correlation key ``name``; None where there is nothing a key could be.

    The same number is the same key whether it came as ``7``, ``7.0`` or ``"7"``. Raises KeyUnfit.
    """
    if value.__class__ is str:
        text: str = value.strip()
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int):
        return str(value)
    elif isinstance(value, float):
        if abs(value) >= _EXACT_FLOAT:
            # JSON numbers past 64 bits were rounded on reading: two orders could get one key
            raise KeyUnfit(f"the key {name} is a number too large to be exact: {value!r}")
        return str(int(value)) if value.is_integer() else repr(value)
    else:
        return None
    if not text:
        return None
    if len(text) > MAX_KEY_LENGTH:
        raise KeyUnfit(f"the key {name} has {len(text)} characters; {MAX_KEY_LENGTH} are allowed")
    if "\0" in text or not encodes(text):
        raise KeyUnfit(f"the key {name} holds a NUL character or half a surrogate pair")
    return text


def conventional(event: Event, name: str) -> str | None:
    """The event's key where no rule says which it is; ``name`` is the key's. Raises KeyUnfit."""
    text = key_text(event.subject, name) if event.subject else None
    if text is None and event.attributes:
        attributes = event.attributes
        for attribute in _ATTRIBUTES:
            if attribute in attributes:
                text = key_text(attributes[attribute], name)
                if text is not None:
                    break
    return text


def encodes(text: str) -> bool:
    """Whether the text is free of halves of surrogate pairs."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
