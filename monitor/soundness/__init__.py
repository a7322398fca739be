"""Whether a flow can be followed to its end, for ``lint``: a bounded exploration of what it can reach."""

from monitor.soundness.promises import promises
from monitor.soundness.telling import soundness

__all__ = ["promises", "soundness"]
