"""docs/configuration.md names every key there is, with its default; the examples of the pages are valid."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from monitor.domain.calendar import Calendar
from monitor.domain.duration import Span
from monitor.settings import json_schema, load
from monitor.settings.receivers import ReceiverSettings
from monitor.settings.yamlfile import read_yaml

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGE = (DOCS / "configuration.md").read_text("utf-8")
SCHEMA = json_schema()

SECTIONS = {
    "The top": "",
    "`sources[]`, `kind: rabbitmq`": "RabbitmqSource",
    "`sources[].bindings[]`": "Binding",
    "`sources[].tls`": "Tls",
    "`sources[]`, `kind: kafka`": "KafkaSource",
    "`sources[]`, `kind: http`": "HttpSource",
    "`sources[]`, `kind: file`": "FileSource",
    "`sources[]`, `kind: memory`": "MemorySource",
    "`events[]`": "EventRule",
    "`events[].match`": "Match",
    "`models[]`": "ModelSettings",
    "`models[].slas[]`": "SlaSettings",
    "`models[].slas[].objective`": "ObjectiveSettings",
    "`models[].ordering`": "ModelOrdering",
    "`calendars`": "CalendarSettings",
    "`ordering`": "OrderingSettings",
    "`blindness`": "BlindnessSettings",
    "`retention`": "RetentionSettings",
    "`dashboard`": "DashboardSettings",
    "`dashboard.views[]`": "SavedView",
    "`auth`": "AuthSettings",
    "`auth.session`": "SessionSettings",
    "`auth.oidc`": "OidcSettings",
    "`auth.oidc.roles`": "RoleClaims",
    "`decode`": "DecodeSettings",
    "`decode.envelope`": "Envelope",
    "`ingest`": "IngestSettings",
    "`telemetry`": "TelemetrySettings",
    "`alerts`": "AlertSettings",
    "`alerts.route`": "RootRoute",
    "`alerts.route.routes[]`": "RouteSettings",
    "`alerts.inhibit_rules[]`": "InhibitRule",
    "`alerts.time_intervals[]`": "TimeInterval",
    "`alerts.time_intervals[].time_intervals[]`": "TimeRangeSettings",
    "`alerts.time_intervals[].time_intervals[].times[]`": "TimeRange",
    "`alerts.heartbeat`": "Heartbeat",
    "`alerts.retry`": "RetrySettings",
    "`alerts.inbox_growth`": "InboxGrowth",
    "`commands`": "CommandsSettings",
    "`commands.breaker`": "BreakerSettings",
    "`commands.items[]`": "CommandSettings",
    "`commands.items[].when`": "WhenSettings",
    "`commands.items[].target`, `kind: rabbitmq`": "RabbitmqTarget",
    "`commands.items[].target`, `kind: kafka`": "KafkaTarget",
    "`commands.items[].expect`": "ExpectSettings",
    "`commands.items[].limits`": "LimitSettings",
}
"""Heading of the page -> definition of the schema."""

RECEIVERS = {"ReceiverSettings", *ReceiverSettings.model_json_schema()["$defs"]} - {"Tls"}
"""Definitions that docs/receivers.md tells of; see test_receivers_page.py."""

TOLD_OTHERWISE = {("", "database"), ("SlaSettings", "at_risk"), ("ModelSettings", "key")}
"""Defaults the schema does not tell as they are written."""

ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\| (.+) \|$", re.MULTILINE)
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["$defs"][name] if name else SCHEMA
    return found


def rows(heading: str) -> list[tuple[str, ...]]:
    """Key, meaning, default and example of each row of a section."""
    _, found, rest = PAGE.partition(f"# {heading}\n")
    assert found, f"docs/configuration.md has no section {heading}"
    return ROW.findall(re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0])


def test_every_part_of_the_configuration_has_a_section() -> None:
    assert {""} | (SCHEMA["$defs"].keys() - RECEIVERS) == set(SECTIONS.values())


@pytest.mark.parametrize(("heading", "name"), SECTIONS.items(), ids=SECTIONS.values())
def test_every_key_is_told_with_its_default(heading: str, name: str) -> None:
    told = rows(heading)
    properties = definition(name)["properties"]
    assert [key for key, *_ in told] == list(properties)
    for key, _, default, _ in told:
        if (name, key) in TOLD_OTHERWISE:
            continue
        known = properties[key].get("default")
        if isinstance(known, bool):
            assert default == f"`{str(known).lower()}`", key
        elif isinstance(known, (str, int, float)) and known != "" and key != "kind":
            assert default == f"`{known}`", key


@pytest.mark.parametrize(
    "page",
    ["alerts.md", "commands.md", "configuration.md", "getting-started.md", "security.md", "slas.md"],
)
def test_the_examples_are_valid(page: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "models", tmp_path / "models")
    blocks = BLOCK.findall((DOCS / page).read_text("utf-8"))
    assert blocks
    for block in blocks:
        file = tmp_path / "choreoscope.yaml"
        file.write_text(block, "utf-8")
        load(file, {"PGPASSWORD": "x", "OIDC_SECRET": "y"})


def test_the_examples_of_keys_are_valid() -> None:
    """Each example is right for its key, as far as the schema can tell."""
    validator = Draft202012Validator(SCHEMA)
    for heading, name in SECTIONS.items():
        properties = definition(name)["properties"]
        for key, _, _, example in rows(heading):
            if example.startswith("`"):
                value = read_yaml(f"it: {example.strip('`')}").value["it"]
                schema = {**properties[key], "$defs": SCHEMA["$defs"]}
                problems = [error.message for error in validator.evolve(schema=schema).iter_errors(value)]
                assert problems == [], (name, key, example)


def test_the_due_times_told_are_right() -> None:
    """docs/slas.md: paid on a Thursday at 15:00, eight working hours a day."""
    told = re.findall(
        r"^\| `(PT?\w+)` \| (\w+ 15:00) \|$", (DOCS / "slas.md").read_text("utf-8"), re.MULTILINE
    )
    assert [limit for limit, _ in told] == ["PT8H", "P1D", "P2D", "PT24H"]
    calendar = Calendar("business", "Europe/Berlin", (((9 * 60, 17 * 60),),) * 5 + ((), ()))
    thursday = datetime(2026, 7, 2, 15, tzinfo=ZoneInfo("Europe/Berlin"))
    for limit, due in told:
        counted = Span.parse(limit).after(thursday, calendar).astimezone(thursday.tzinfo)
        assert f"{counted:%A %H:%M}" == due
        assert counted - thursday < timedelta(days=7)
