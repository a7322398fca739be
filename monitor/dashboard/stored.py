"""Stored rows as JSON values."""

from __future__ import annotations

from typing import Any

import orjson

from monitor.domain.redaction import without_credentials


def fields_of(row: Any) -> dict[str, Any]:
    """A dataclass's fields, not gone into."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def stored_json(text: str | None) -> Any:
    """JSON that was stored as text, as the value it stands for; text that is not JSON as it is."""
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def shown_headers(text: str) -> str:
    """Headers that were stored as JSON text, without what opens doors. The exact bytes of a message are one
    thing; that its sender's credentials are read on a page helps nobody to mend it."""
    headers = stored_json(text)
    if not isinstance(headers, dict):
        return text
    shown = without_credentials(headers)
    return text if shown is headers else orjson.dumps(shown).decode()
