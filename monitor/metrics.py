"""What the monitor counts about itself: a closed vocabulary, made once at the root.

Every metric is one attribute here and nowhere else; its help text is its documentation. Labels hold only
values of small closed sets (configured names, enum members), never keys or ids of the landscape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from monitor import __version__
from monitor.configuration import Configuration

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_SIZES = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)

STAGES = ("decode", "map", "correlate", "check", "store", "acknowledge")
"""Values of ``stage``: the pipeline's own steps, in order. ``store`` is the whole transaction, and
``correlate`` and ``check`` are parts of it; ``decode`` and ``map`` are of what was fetched at a time."""

TRACE_STATES = ("open", "deviating", "at_risk", "breached")

LABELS = {
    "command": "a corrective command, by its name in the configuration",
    "flow": "a flow, by its key",
    "outcome": "what came of an attempt, or of a batch: a closed set",
    "reason": "why: one of the inbox's reasons, or of those for a replay; a closed set",
    "receiver": "a receiver of alerts, by its name in the configuration",
    "sla": "an SLA, by its name",
    "source": "a source, by its name in the configuration",
    "stage": "a step of the pipeline: " + ", ".join(STAGES),
    "state": "a state of a clock, or of traces: a closed set",
    "status": "what became of a command that was sent: a closed set",
    "task": "one of the sweep's tasks, such as clocks or statistics",
    "version": "the version of Choreoscope",
    "what": "what was deleted: traces, or inbox",
}
"""Every label there is, and what its values are."""


class Described(NamedTuple):
    """One metric as it is documented. ``name``: as a scrape shows it, without the suffixes of a histogram."""

    name: str
    kind: str
    labels: tuple[str, ...]
    unit: str
    meaning: str


class Metrics:
    """All metrics of one process, in a registry of their own so that several may live side by side."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        self.build = Gauge(
            "choreoscope_build_info", "Always 1; the label tells the version.", ["version"], registry=registry
        )
        self.build.labels(__version__).set(1)

        self.config_refused = Gauge(
            "choreoscope_config_refused",
            "1 while the configuration was changed to what cannot be used, and the last good one goes on.",
            registry=registry,
        )
        self.config_since = Gauge(
            "choreoscope_config_in_use_since_seconds",
            "Since when the configuration is in use, in seconds since 1970.",
            registry=registry,
        )

        # ingest
        self.events_stored = Counter(
            "choreoscope_events_stored_total",
            "Events stored for the first time.",
            ["source"],
            registry=registry,
        )
        self.duplicates = Counter(
            "choreoscope_duplicates_total",
            "Events recognised as stored before, and not counted again.",
            ["source"],
            registry=registry,
        )
        self.ignored = Counter(
            "choreoscope_ignored_total",
            "Events dropped because a rule says to ignore them.",
            ["source"],
            registry=registry,
        )
        self.misfits = Counter(
            "choreoscope_misfits_total",
            "Messages put into the inbox, by why they could not be placed.",
            ["source", "reason"],
            registry=registry,
        )
        self.batches = Counter(
            "choreoscope_batches_total",
            "Batches by outcome: stored, or retried (database away, another worker in between).",
            ["source", "outcome"],
            registry=registry,
        )
        self.batch_size = Histogram(
            "choreoscope_batch_size", "Deliveries in a batch.", ["source"], buckets=_SIZES, registry=registry
        )
        self.batch_seconds = Histogram(
            "choreoscope_batch_seconds",
            "Time one batch spends in a stage: " + ", ".join(STAGES) + ".",
            ["stage"],
            buckets=_FAST,
            registry=registry,
        )
        self.replays = Counter(
            "choreoscope_replays_total",
            "Traces replayed from their whole history, by why: late, merged, deviating, cold.",
            ["reason"],
            registry=registry,
        )

        # sources
        self.source_lag = Gauge(
            "choreoscope_source_lag",
            "Messages known to be waiting in a source; absent where the source cannot tell.",
            ["source"],
            registry=registry,
        )
        self.watermark_age = Gauge(
            "choreoscope_watermark_age_seconds",
            "How far behind now a source's watermark is; absence is judged no later than that.",
            ["source"],
            registry=registry,
        )
        self.source_up = Gauge(
            "choreoscope_source_up", "1 while the source is connected, else 0.", ["source"], registry=registry
        )

        self.blind = Gauge(
            "choreoscope_blind",
            "1 while a source is not read, so that absence cannot be judged, else 0.",
            ["source"],
            registry=registry,
        )
        self.judged_age = Gauge(
            "choreoscope_judged_age_seconds",
            "How far behind now a flow is judged: as far as the slowest source that feeds it.",
            ["flow"],
            registry=registry,
        )

        # verdicts
        self.traces = Gauge(
            "choreoscope_traces",
            "Traces by what they are now, all versions of a flow together: "
            + ", ".join(TRACE_STATES)
            + "; one"
            " may be several.",
            ["flow", "state"],
            registry=registry,
        )
        self.inbox = Gauge("choreoscope_inbox_messages", "Messages in the inbox.", registry=registry)
        self.findings_confirmed = Counter(
            "choreoscope_findings_confirmed_total", "Findings that time has confirmed.", registry=registry
        )
        self.traces_counted = Counter(
            "choreoscope_traces_counted_total",
            "Times a trace that changed was counted anew for statistics.",
            registry=registry,
        )
        self.statistics_behind = Gauge(
            "choreoscope_statistics_behind",
            "Changes of traces that statistics do not know yet, counted up to 10,000.",
            registry=registry,
        )

        self.objective_met = Gauge(
            "choreoscope_objective_met",
            "Clocks of an SLA that were met within its objective's window.",
            ["flow", "sla"],
            registry=registry,
        )
        self.objective_total = Gauge(
            "choreoscope_objective_total",
            "Clocks of an SLA that were met or failed within its objective's window.",
            ["flow", "sla"],
            registry=registry,
        )
        self.objective_target = Gauge(
            "choreoscope_objective_target",
            "The share of clocks that an objective wants met, 0 to 1.",
            ["flow", "sla"],
            registry=registry,
        )

        # sweep
        self.clocks_due = Counter(
            "choreoscope_clocks_due_total",
            "SLA clocks moved on by the sweep, by the state they came to.",
            ["flow", "state"],
            registry=registry,
        )
        self.sweep_delay = Histogram(
            "choreoscope_sweep_delay_seconds",
            "From the instant a clock could be judged (watermark past due) to its new state stored.",
            buckets=_SLOW,
            registry=registry,
        )
        self.sweep_seconds = Histogram(
            "choreoscope_sweep_seconds", "Duration of one sweep.", ["task"], buckets=_FAST, registry=registry
        )
        self.purged = Counter(
            "choreoscope_purged_total",
            "Traces and messages of the inbox deleted after their retention time.",
            ["what"],
            registry=registry,
        )
        self.sweep_failures = Counter(
            "choreoscope_sweep_failures_total",
            "Sweeps that failed and are tried again.",
            ["task"],
            registry=registry,
        )
        self.sweep_done = Gauge(
            "choreoscope_sweep_done_timestamp_seconds",
            "When a task of the sweep last got through, in seconds since 1970.",
            ["task"],
            registry=registry,
        )

        # alerts
        self.alerts_routed = Counter(
            "choreoscope_alerts_routed_total",
            "Alerts that began, ended or changed, and were put into their groups.",
            registry=registry,
        )
        self.notifications = Counter(
            "choreoscope_notifications_total",
            "Messages made for a receiver; each is delivered at least once.",
            ["receiver"],
            registry=registry,
        )
        self.delivery_attempts = Counter(
            "choreoscope_delivery_attempts_total",
            "Attempts to deliver a message, by outcome: arrived, failed (tried again), refused (for good).",
            ["receiver", "outcome"],
            registry=registry,
        )
        self.delivery_seconds = Histogram(
            "choreoscope_delivery_seconds",
            "Time one attempt to deliver a message takes.",
            ["receiver"],
            buckets=_SLOW,
            registry=registry,
        )
        self.undelivered = Gauge(
            "choreoscope_undelivered_notifications",
            "Messages on their way to a receiver.",
            ["receiver"],
            registry=registry,
        )
        self.notification_age = Gauge(
            "choreoscope_notification_age_seconds",
            "How long the oldest message has been on its way to a receiver; 0 while there is none.",
            ["receiver"],
            registry=registry,
        )
        self.receiver_disabled = Gauge(
            "choreoscope_receiver_disabled",
            "1 while nothing is sent to a receiver, because it refused for good, else 0.",
            ["receiver"],
            registry=registry,
        )
        self.heartbeat = Gauge(
            "choreoscope_heartbeat_seconds",
            "When the heartbeat's address was last reached, in seconds since 1970; 0: not yet.",
            registry=registry,
        )

        # commands
        self.command_attempts = Counter(
            "choreoscope_command_attempts_total",
            "Attempts to send a corrective command, by what came of them.",
            ["command", "outcome"],
            registry=registry,
        )
        self.command_effects = Counter(
            "choreoscope_command_effects_total",
            "Corrective commands that were sent, by whether what they were to bring about followed in time.",
            ["command", "status"],
            registry=registry,
        )
        self.commands_stopped = Gauge(
            "choreoscope_commands_stopped", "1 while commands are stopped by somebody.", registry=registry
        )

    def configuration(self, used: Configuration) -> None:
        self.config_refused.set(used.refused is not None)
        self.config_since.set(used.since.timestamp())

    def vocabulary(self) -> Iterator[Described]:
        """Every metric, in the order of this file."""
        for metric in vars(self).values():
            if not isinstance(metric, (Counter, Gauge, Histogram)):
                continue
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield Described(name, family.type, tuple(metric._labelnames), _unit(name), family.documentation)

    def exposition(self) -> bytes:
        """The text served at ``/metrics`` (type :data:`CONTENT_TYPE`)."""
        return generate_latest(self.registry)


_UNITS = {
    "choreoscope_blind": "0 or 1",
    "choreoscope_build_info": "1",
    "choreoscope_commands_stopped": "0 or 1",
    "choreoscope_config_in_use_since_seconds": "seconds since 1970",
    "choreoscope_config_refused": "0 or 1",
    "choreoscope_heartbeat_seconds": "seconds since 1970",
    "choreoscope_objective_target": "share",
    "choreoscope_receiver_disabled": "0 or 1",
    "choreoscope_source_up": "0 or 1",
    "choreoscope_sweep_done_timestamp_seconds": "seconds since 1970",
}
"""Units that the name does not tell."""


def _unit(name: str) -> str:
    return _UNITS.get(name) or ("seconds" if name.endswith("_seconds") else "count")
