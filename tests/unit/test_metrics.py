"""The vocabulary of metrics is closed: documented, used, and the only one that rules and dashboards speak."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import LABELS, Metrics
from scripts import metrics_page

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "choreoscope.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "choreoscope.json"

SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
KNOWN = {f"{one.name}{end}": one for one in Metrics().vocabulary() for end in SUFFIXES[one.kind]}
OF_A_SCRAPE = {"instance", "job"}


def test_every_metric_is_prefixed_documented_and_exposed() -> None:
    metrics = Metrics()
    metrics.events_stored.labels("shop").inc(3)
    text = metrics.exposition().decode()
    assert 'choreoscope_events_stored_total{source="shop"} 3.0' in text
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
    described = {one.name: one.meaning for one in metrics.vocabulary()}
    assert {name: said for name, said in helps.items() if not name.endswith("_created")} == described
    assert all(name.startswith("choreoscope_") for name in described)
    assert all(said.endswith(".") for said in described.values())


def test_two_processes_worth_of_metrics_live_side_by_side() -> None:
    first, second = Metrics(), Metrics()
    first.misfits.labels("shop", "unmapped").inc()
    assert b'reason="unmapped"' in first.exposition()
    assert b'reason="unmapped"' not in second.exposition()


def test_every_metric_is_set_somewhere() -> None:
    sources = [path for path in (ROOT / "monitor").rglob("*.py") if path.name != "metrics.py"]
    text = "\n".join(path.read_text("utf-8") for path in sources) + "self.build self.config_"
    mine = (ROOT / "monitor" / "metrics.py").read_text("utf-8")
    for name in vars(Metrics()):
        used = re.search(rf"metrics\.{name}\b", text) or re.search(rf"self\.{name}\.(set|labels)\(", mine)
        assert name == "registry" or used, f"Metrics.{name} is never set"


def test_every_label_is_explained() -> None:
    assert {label for one in KNOWN.values() for label in one.labels} == LABELS.keys()


def test_the_page_is_what_is_exposed() -> None:
    text = metrics_page.PAGE.read_text("utf-8")
    assert text == metrics_page.page(text), "run: python scripts/metrics_page.py"


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if panel["type"] != "row"]


def expressions() -> list[tuple[str, str]]:
    asked = [(rule["alert"], rule["expr"]) for rule in rules()]
    return asked + [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def complaints(expression: str) -> list[str]:
    """Metrics and labels that nothing exposes."""
    found = re.findall(r"\b(choreoscope_\w+|up)\b(?:\{([^}]*)\})?", expression)
    wrong = [f"no metric {name}" for name, _ in found if name != "up" and name not in KNOWN]
    labels = OF_A_SCRAPE | {label for name, _ in found if name in KNOWN for label in KNOWN[name].labels}
    if any(name.endswith("_bucket") for name, _ in found):
        labels |= {"le"}
    asked = [label for _, matchers in found for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)]
    asked += [
        label.strip() for names in re.findall(r"\bby \(([^)]*)\)", expression) for label in names.split(",")
    ]
    return wrong + [f"no label {label}" for label in asked if label not in labels]


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_rules_and_dashboard_ask_for_what_there_is(where: str, expression: str) -> None:
    assert complaints(expression) == [], where
    assert "choreoscope_" in expression or expression.startswith("up{"), where
    assert expression.count("(") == expression.count(")"), where


@pytest.mark.parametrize(
    "expression",
    [
        "choreoscope_no_such_metric > 1",
        "choreoscope_batch_seconds > 1",
        "max by (flow) (choreoscope_source_lag)",
        'choreoscope_blind{sla="x"}',
    ],
)
def test_what_there_is_not_is_noticed(expression: str) -> None:
    assert complaints(expression)


def test_every_alarm_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    explained = set(re.findall(r"^### (Choreoscope\w+)$", page, re.MULTILINE))
    assert explained == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        grouped = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"]))))
        assert labels <= grouped | OF_A_SCRAPE


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
