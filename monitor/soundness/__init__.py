"""Whether a flow can be followed to its end, for ``lint``: a bounded exploration of what it can reach."""

from monitor.soundness.telling import soundness

__all__ = ["soundness"]
