"""What is never kept of a placed event, nor shown: header values that look like credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

HIDDEN = "(not kept)"
"""Stands where a credential was."""

_CREDENTIAL = re.compile(
    r"authori[sz]ation|cookie|passw(or)?d|passphrase|secret|credential|private.?key"
    r"|(api|access|auth|session|subscription).?(key|token|id$)|^x-amz-security|(^|[^a-z])(token|jwt|bearer|sas)([^a-z]|$)",
    re.IGNORECASE,
)

Value = TypeVar("Value")


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Whether a header of this name usually holds something that opens doors."""
    return _CREDENTIAL.search(name) is not None


def without_credentials(headers: Mapping[str, Value]) -> Mapping[str, Value | str]:
    """The headers with the values of such ones hidden; the same object where there are none."""
    if not any(map(is_credential, headers)):
        return headers
    return {name: HIDDEN if is_credential(name) else value for name, value in headers.items()}
