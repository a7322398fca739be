"""Hand-made models of every shape and marker of the notation, as files: name -> BPMN XML with a diagram.

The sheets follow the tables of BPMN 2.0.2: events (10.5.6), activities (10.3), gateways (10.6), data and
artifacts (10.4, 7.3.4), pools and message flows (9.3), conversations (9.5), choreographies (11.5).
"""

from tests.support.notation.exchanges import choreography, conversations, pools
from tests.support.notation.looks import colours, names
from tests.support.notation.shapes import activities, data, events, gateways

SHEETS = {
    "events": events,
    "activities": activities,
    "gateways": gateways,
    "data": data,
    "pools": pools,
    "conversations": conversations,
    "choreography": choreography,
    "names": names,
    "colours": colours,
}

__all__ = ["SHEETS"]
