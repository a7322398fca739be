"""docs/receivers.md names every key of receivers, with its default; its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from monitor.settings import json_schema, load
from monitor.settings.receivers import HttpReceiver
from monitor.settings.yamlfile import read_yaml

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "receivers.md").read_text("utf-8")
SCHEMA = json_schema()
SHARED = list(HttpReceiver.model_fields)

SECTIONS = {
    "`alerts.receivers[]`": "ReceiverSettings",
    "`digest`": "DigestSettings",
    "`email`": "EmailSettings",
    "`smtp`": "SmtpSettings",
    "`webhook`": "WebhookSettings",
    "`alertmanager`": "AlertmanagerSettings",
    "`slack`": "SlackSettings",
    "`teams`": "TeamsSettings",
    "`apprise`": "AppriseSettings",
    "Receivers over HTTP": "WebhookSettings",
}
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\| (.+) \|$", re.MULTILINE)


def rows(heading: str) -> list[tuple[str, ...]]:
    _, found, rest = PAGE.partition(f"# {heading}\n")
    assert found, f"docs/receivers.md has no section {heading}"
    return ROW.findall(re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0])


def told(heading: str, name: str) -> dict[str, Any]:
    """The properties that this section tells of: of receivers over HTTP those of their own."""
    properties: dict[str, Any] = SCHEMA["$defs"][name]["properties"]
    shared = [key for key in SHARED if key in properties] if "url" in properties else []
    if heading == "Receivers over HTTP":
        return {key: properties[key] for key in shared}
    files = {f"{key}_file" for key in properties}
    return {key: value for key, value in properties.items() if key not in shared and key not in files}


@pytest.mark.parametrize(("heading", "name"), SECTIONS.items(), ids=SECTIONS)
def test_every_key_is_told_with_its_default(heading: str, name: str) -> None:
    properties = told(heading, name)
    assert [key for key, *_ in rows(heading)] == list(properties)
    for key, _, default, _ in rows(heading):
        known = properties[key].get("default")
        if isinstance(known, bool):
            assert default == f"`{str(known).lower()}`", key
        elif isinstance(known, (str, int)) and known != "":
            assert default == f"`{known}`", key


@pytest.mark.parametrize(("heading", "name"), SECTIONS.items(), ids=SECTIONS)
def test_the_examples_of_keys_are_valid(heading: str, name: str) -> None:
    validator = Draft202012Validator(SCHEMA)
    properties = told(heading, name)
    for key, _, _, example in rows(heading):
        value = read_yaml(f"it: {example.strip('`')}").value["it"]
        schema = {**properties[key], "$defs": SCHEMA["$defs"]}
        problems = [error.message for error in validator.evolve(schema=schema).iter_errors(value)]
        assert problems == [], (key, example)


def test_the_examples_are_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 2
    for block in blocks:
        file = tmp_path / "choreoscope.yaml"
        file.write_text(block.replace('"${SMTP_PASSWORD:-}"', "x"), "utf-8")
        load(file, {})
