"""What the kinds of events mean for someone who only watches."""

from monitor.bpmn.document import EventKind

OBSERVED_EVENTS = frozenset({EventKind.MESSAGE, EventKind.SIGNAL})
PASSED_EVENTS = frozenset({EventKind.NONE, EventKind.TIMER, EventKind.CONDITIONAL})
THROWN = frozenset({EventKind.ERROR, EventKind.ESCALATION})
