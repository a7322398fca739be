"""How many examples a property test tries."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_DEEPER = 40


def examples(count: int) -> settings:
    """``count`` of them; with ``--hypothesis-profile=deep`` forty times as many, and new ones every time."""
    deep = settings.get_current_profile_name() == "deep"
    return settings(
        max_examples=count * _DEEPER if deep else count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
