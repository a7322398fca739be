"""Choreoscope: a passive monitor for event-driven landscapes.

The layout is the journey of an event:

1. ``sources``      brokers, HTTP and files hand over deliveries (I/O)
2. ``decode``       delivery -> event, or why it cannot be read
3. ``mapping``      event -> observations of expected flows, or why there are none
4. ``correlate``    keys -> the trace an observation belongs to
5. ``conformance``  a trace's observations against its flow -> verdict
6. ``sla``          a trace's clocks: due, at risk, met, breached
7. ``storage``      one transaction a batch (I/O)
8. ``alerts``       who is told of what, and how it gets there (I/O)
9. ``dashboard``    what people see (I/O)

``pipeline`` is stages 1 to 7 for one batch; ``sweep`` is what time alone brings about;
``app`` puts the parts together; ``cli`` is the command line.
"""

__version__ = "0.1.0"
