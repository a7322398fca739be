"""The published JSON Schema accepts what the loader accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from monitor.settings import json_schema
from monitor.settings.yamlfile import read_yaml

VALIDATOR = Draft202012Validator(json_schema())
ROOT = Path(__file__).parents[3]


def errors(text: str) -> list[str]:
    read = read_yaml(text)
    assert not read.faults
    return [error.message for error in VALIDATOR.iter_errors(read.value)]


def test_it_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "database: sqlite:///x.db",
        "database_file: /run/secrets/db",
        "dashboard: {port: '${PORT:-8321}'}",
        "dashboard: {views: [{name: Stuck orders, query: '?flow=order&state=open&order=asc'}]}",
        "sources: [{name: r, kind: rabbitmq, url_file: /run/secrets/amqp, bindings: [{exchange: e}]}]",
        "sources: [{name: k, kind: kafka, bootstrap_servers: 'a:1', topics: t, start: '2026-01-01T00:00Z'}]",
        "sources: [{name: f, kind: file, path: [a.jsonl, '*.csv']}]",
        "models: [{file: a.bpmn, slas: [{name: n, from: a, to: b, within: P2D, severity: info}]}]",
        "models: [{file: a.bpmn, slas: [{name: n, on: a, within: P2D, at_risk: null}]}]",
        "events: [{match: {type: 'x*'}, as: X, keys: {order: subject}}]",
    ],
)
def test_it_accepts_what_is_right(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "databse: x",
        "alerts: {}",
        "sources: [{name: r, kind: rabbitmq, bindings: [{exchange: e}]}]",
        "sources: [{name: r, kind: rabbitmq, url: a, url_file: b, bindings: [{exchange: e}]}]",
        "sources: [{name: r, kind: carrier-pigeon}]",
        "dashboard: {port: many}",
        "dashboard: {views: [{name: Elsewhere, query: 'https://example.com/'}]}",
        "dashboard: {views: [{name: '', query: 'flow=order'}]}",
        "models: [{file: a.bpmn, slas: [{on: a, within: two days, name: n}]}]",
    ],
)
def test_it_refuses_what_is_wrong(text: str) -> None:
    assert errors(text) != []


def test_example_configurations_are_valid() -> None:
    examples = sorted(ROOT.glob("examples/**/*.yaml")) + sorted(ROOT.glob("models/*.yaml"))
    for example in examples:
        assert errors(example.read_text()) == [], example
        assert yaml.safe_load(example.read_text()), example
