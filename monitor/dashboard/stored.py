"""Stored rows as JSON values."""

from __future__ import annotations

from typing import Any

import orjson


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
