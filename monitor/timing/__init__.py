"""Where time goes in a trace: what each of its steps waited for, and how long. Pure."""

from monitor.timing.course import Course, Part, told
from monitor.timing.spans import Span, critical_path, spans
from monitor.timing.steps import Step, Timings, steps

__all__ = ["Course", "Part", "Span", "Step", "Timings", "critical_path", "spans", "steps", "told"]
