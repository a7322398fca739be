"""People's own templates (Jinja) for what is sent, in a sandbox.

A template sees plain values only, never objects of the program; the sandbox keeps it from reaching for more,
and how much it yields is bounded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from monitor.plaintext import local, one_line

LONGEST = 1_000_000
"""Characters a template may yield."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """``range`` is bounded by Jinja itself; repetition and padding (``'x' * 10**9``, ``'%999999999d' % 1``)
    and powers are refused here."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise jinja2.exceptions.SecurityError(f"{operator} is for numbers, and powers are not computed")
        return super().call_binop(context, operator, left, right)


@cache
def sandbox() -> SandboxedEnvironment:
    """For texts that are not HTML. An unknown name is an error."""
    env = _Sandbox(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    env.filters.update(local=local, one_line=one_line)
    return env


def problem_of(text: str) -> str | None:
    """What keeps this text from being a template, or None."""
    try:
        sandbox().from_string(text)
    except jinja2.TemplateSyntaxError as error:
        return f"is not a template: line {error.lineno}: {error.message}"
    return None


def render(text: str, values: dict[str, Any]) -> str:
    """A person's template, filled in. Raises jinja2.TemplateError, or what its expressions raise."""
    parts: list[str] = []
    length = 0
    for part in sandbox().from_string(text).generate(values):
        length += len(part)
        if length > LONGEST:
            raise jinja2.exceptions.SecurityError(f"yields more than {LONGEST} characters")
        parts.append(part)
    return "".join(parts)
