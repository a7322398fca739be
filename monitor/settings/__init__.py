"""The configuration as one frozen, typed value (DESIGN 4.1). Built at the root, passed down.

``load`` reads it from a file; programs and tests build :class:`Settings` directly.
"""

from monitor.settings.load import ConfigProblem, InvalidConfig, load, read_rules
from monitor.settings.models import (
    CalendarSettings,
    EventRule,
    Match,
    ModelOrdering,
    ModelSettings,
    ObjectiveSettings,
    SlaSettings,
)
from monitor.settings.root import (
    DashboardSettings,
    DecodeSettings,
    Envelope,
    IngestSettings,
    OrderingSettings,
    RetentionSettings,
    SavedView,
    Settings,
    TelemetrySettings,
)
from monitor.settings.schema import json_schema
from monitor.settings.sources import (
    Binding,
    FileSource,
    HttpSource,
    KafkaSource,
    MemorySource,
    RabbitmqSource,
    SourceSettings,
    Tls,
)
from monitor.settings.values import parse_duration

__all__ = [
    "Binding",
    "CalendarSettings",
    "ConfigProblem",
    "DashboardSettings",
    "DecodeSettings",
    "Envelope",
    "EventRule",
    "FileSource",
    "HttpSource",
    "IngestSettings",
    "InvalidConfig",
    "KafkaSource",
    "Match",
    "MemorySource",
    "ModelOrdering",
    "ModelSettings",
    "ObjectiveSettings",
    "OrderingSettings",
    "RabbitmqSource",
    "RetentionSettings",
    "SavedView",
    "Settings",
    "SlaSettings",
    "SourceSettings",
    "TelemetrySettings",
    "Tls",
    "json_schema",
    "load",
    "parse_duration",
    "read_rules",
]
