"""Stage 2: delivery -> events, or why it cannot be read. Pure.

Read are CloudEvents 1.0 in the JSON format (structured, batched; also recognised without their content
type), CloudEvents in binary mode with data of any kind, and plain JSON objects by an
:class:`~monitor.decode.plain.Envelope`. No body makes this stage raise: what cannot be read comes back
whole, as a :class:`~monitor.domain.event.Misfit` with the reason.
"""

from monitor.decode.decoder import Decoder, DecodeSettings
from monitor.decode.plain import Envelope

__all__ = ["DecodeSettings", "Decoder", "Envelope"]
