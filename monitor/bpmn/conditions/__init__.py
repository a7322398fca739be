"""Data conditions of sequence flows: what FEEL and JUEL texts say of the fields an event keeps.

``parse`` reads a condition or says which part of it is not understood; ``Condition.holds`` says whether it
holds, as far as the known fields decide that. Pure, and bounded whatever a file or an event holds (ADR 5).
"""

from monitor.bpmn.conditions.condition import Condition, NotUnderstood, names_language, parse

__all__ = ["Condition", "NotUnderstood", "names_language", "parse"]
