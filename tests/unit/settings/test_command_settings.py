"""What a declared command may say, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.settings import Settings, load
from monitor.settings.load import InvalidConfig

ROOT = Path(__file__).parents[3]


def item(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": "release",
        "title": "Release",
        "flow": "order",
        "target": {"kind": "kafka", "bootstrap_servers": "k:9092", "topic": "orders"},
        "type": "com.shop.Release",
    }
    return {name: value for name, value in {**given, **changed}.items() if value is not None}


def loaded(folder: Path, *items: dict[str, Any], **more: Any) -> Settings:
    said = {
        "models": [{"file": str(ROOT / "models" / "order-fulfilment.bpmn"), "key": "order"}],
        "commands": {"items": list(items), **more},
    }
    file = folder / "choreoscope.yaml"
    file.write_text(yaml.safe_dump(said))
    return load(file, {"SECRET": "sesame"})


def test_off_and_dry_unless_it_is_said(tmp_path: Path) -> None:
    commands = loaded(tmp_path, item()).commands
    assert (commands.enabled, commands.dry_run) == (False, True)
    assert Settings().commands.items == ()
    limits = commands.items[0].limits
    assert (limits.per_trace, limits.per_hour) == (1, 20)


def test_secrets_are_none_of_the_address(tmp_path: Path) -> None:
    target = {"kind": "rabbitmq", "url": "amqps://me:${SECRET}@rabbit/shop", "exchange": "shop"}
    settings = loaded(tmp_path, item(target=target))
    found = settings.commands.items[0].target
    assert found.broker == "rabbitmq rabbit:5671/shop"
    assert "sesame" not in repr(settings)


RABBIT = {"kind": "rabbitmq", "url": "amqp://x"}


@pytest.mark.parametrize(
    ("changed", "key", "said"),
    [
        ({"flow": "refund"}, "commands.items[0].flow", "there is no model 'refund'; there is order"),
        ({"name": "a b"}, "commands.items[0].name", "may hold only"),
        ({"body": "{{ keys."}, "commands.items[0].body", "not a template"),
        ({"body": {"a": ["{% if %}"]}}, "commands.items[0].body", "not a template"),
        ({"subject": "{{"}, "commands.items[0].subject", "not a template"),
        ({"headers": {"a b": "x"}}, "commands.items[0].headers", "cannot be the name of a header"),
        ({"headers": {"ce_id": "x"}}, "commands.items[0].headers", "CloudEvents attribute"),
        ({"target": {"kind": "smtp"}}, "commands.items[0].target", "not one of rabbitmq, kafka"),
        ({"target": {**RABBIT, "url": "http://x"}}, "commands.items[0].target", "must begin with amqp"),
        (
            {
                "target": {
                    "kind": "kafka",
                    "bootstrap_servers": "k",
                    "topic": "t",
                    "security_protocol": "SASL_SSL",
                }
            },
            "commands.items[0].target",
            "go together",
        ),
        ({"mode": "automatic"}, "commands.items[0]", "needs a finding"),
        (
            {"mode": "automatic", "when": {"finding": "missing"}, "limits": {"per_hour": None}},
            "commands.items[0]",
            "needs limits",
        ),
        ({"expect": {"event": "X"}}, "commands.items[0].expect.within", "is required"),
        ({"when": {"finding": "odd"}}, "commands.items[0].when.finding", "missing"),
        ({"type": "a\nb"}, "commands.items[0].type", "pattern"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(
    tmp_path: Path, changed: dict[str, Any], key: str, said: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        loaded(tmp_path, item(**changed))
    assert key in str(caught.value)
    assert said in str(caught.value)


def test_names_are_used_once_and_attempts_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="used twice"):
        loaded(tmp_path, item(), item())
    with pytest.raises(InvalidConfig, match="timeout"):
        loaded(tmp_path, timeout="PT1M")
