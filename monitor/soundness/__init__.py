"""Whether a flow can be followed to its end: a bounded exploration of the markings it can reach, for ``lint``."""

from monitor.soundness.telling import soundness

__all__ = ["soundness"]
