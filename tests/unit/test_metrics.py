import re

from monitor.metrics import Metrics


def test_every_metric_is_prefixed_documented_and_exposed() -> None:
    metrics = Metrics()
    metrics.events_stored.labels("shop").inc(3)
    text = metrics.exposition().decode()
    assert 'choreoscope_events_stored_total{source="shop"} 3.0' in text
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
    assert helps
    assert all(name.startswith("choreoscope_") for name in helps)
    assert all(said.endswith(".") for said in helps.values())


def test_two_processes_worth_of_metrics_live_side_by_side() -> None:
    first, second = Metrics(), Metrics()
    first.misfits.labels("shop", "unmapped").inc()
    assert b'reason="unmapped"' in first.exposition()
    assert b'reason="unmapped"' not in second.exposition()
