"""How many commands are too many. Pure."""

from __future__ import annotations

from monitor.commands.declared import Limits


def reached(limits: Limits, of_trace: int, of_hour: int) -> str | None:
    """Which limit leaves no room for one more, in words; None where there is room."""
    if limits.per_trace is not None and of_trace >= limits.per_trace:
        return (
            f"The limit of {limits.per_trace} for one trace is reached: {of_trace} were asked for already."
            if limits.per_trace != 1
            else "It was asked for already, and the limit is one for each trace."
        )
    if limits.per_hour is not None and of_hour >= limits.per_hour:
        return f"The limit of {limits.per_hour} an hour is reached. There is room again as the hour passes."
    return None
