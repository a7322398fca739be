"""Stage 3: event -> observations: which flows it belongs to, as which label, by which keys. Pure."""

from monitor.mapping.mapping import FlowLabels, Mapping
from monitor.mapping.rules import Matcher, Rule

__all__ = ["FlowLabels", "Mapping", "Matcher", "Rule"]
