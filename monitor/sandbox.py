"""People's own templates (Jinja) for what is sent, in a sandbox.

A template sees plain values only, never objects of the program; the sandbox keeps it from reaching for more,
and how much it yields is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

import jinja2
import orjson
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from monitor.plaintext import local, one_line

LONGEST = 1_000_000
"""Characters a template may yield."""

Yields = Literal["text", "json"]


class TemplateFailed(ValueError):
    """The template cannot be filled in with these values."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """``range`` is bounded by Jinja itself; repetition and padding (``'x' * 10**9``, ``'%999999999d' % 1``)
    and powers are refused here."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise jinja2.exceptions.SecurityError(f"{operator} is for numbers, and powers are not computed")
        return super().call_binop(context, operator, left, right)


@cache
def _environment(yields: Yields) -> jinja2.Environment:
    """An unknown name is an error."""
    env = _Sandbox(
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        finalize=_within_json if yields == "json" else None,
    )
    env.filters.update(local=local, one_line=one_line)
    return env


def _within_json(value: Any) -> Any:
    """What an expression of a JSON template yields. A text is written as it has to be between quotes, so that
    no value can end the string it stands in; ``tojson`` brings its own quotes."""
    if isinstance(value, (Markup, jinja2.Undefined)):
        return value
    if isinstance(value, str):
        return orjson.dumps(_encodable(value)).decode()[1:-1]
    return orjson.dumps(value).decode()


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def problem_of(text: str) -> str | None:
    """What keeps this text from being a template, or None."""
    try:
        _environment("text").from_string(text)
    except jinja2.TemplateSyntaxError as error:
        return f"is not a template: line {error.lineno}: {error.message}"
    return None


def render(text: str, values: Mapping[str, Any], yields: Yields = "text") -> str:
    """A template, filled in. Raises TemplateFailed."""
    try:
        return "".join(_bounded(_environment(yields).from_string(text).generate(values)))
    except TemplateFailed:
        raise
    except Exception as error:  # noqa: BLE001 - an expression of a template may raise anything
        raise TemplateFailed(f"{type(error).__name__}: {one_line(str(error))}") from None


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    length = 0
    for part in parts:
        length += len(part)
        if length > LONGEST:
            raise TemplateFailed(f"it yields more than {LONGEST} characters")
        yield part
