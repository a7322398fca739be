"""``inbox`` on the command line: what people read, what programs read, and the exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from monitor.app import assembled
from monitor.cli import invoke
from monitor.domain.event import Delivery, Position
from monitor.settings import load
from tests.support.shop import NOON, told

MODEL = Path(__file__).parents[3] / "models" / "order-fulfilment.bpmn"
Capture = pytest.CaptureFixture[str]
KEYS = "{order: data.orderId}"
RULE = f"- {{match: {{type: com.shop.PaymentCameIn}}, as: PaymentReceived, keys: {KEYS}}}\n"


def configuration(folder: Path, *rules: str) -> Path:
    file = folder / "choreoscope.yaml"
    listed = "".join([*rules, f'- {{match: {{type: "com.shop.*"}}, keys: {KEYS}}}\n'])
    models = f"models: [{{file: {MODEL}, key: order}}]\n"
    file.write_text(f"database: sqlite:///inbox.db\n{models}events:\n{listed}")
    return file


@pytest.fixture
def config(tmp_path: Path) -> str:
    """An order placed, its payment in the inbox twice over, and bytes that are no event."""
    file = configuration(tmp_path)

    async def fill() -> None:
        async with assembled(load(file, {}), roles=frozenset()) as app:
            odd = Delivery("web", b"\x00\xffno event", Position("q", receipt="1"), NOON)
            come = [told("PaymentCameIn", minute, "o-1") for minute in (1, 2)]
            await app.pipeline().process([told("OrderPlaced", 0, "o-1"), *come, odd])

    asyncio.run(fill())
    return str(file)


def ids(config: str, reason: str, capsys: Capture) -> list[str]:
    assert invoke(["inbox", "list", "-c", config, "--reason", reason, "--format", "json"]) == 0
    return [str(row["id"]) for row in json.loads(capsys.readouterr().out)]


def test_groups_and_messages_are_listed(config: str, capsys: Capture) -> None:
    assert invoke(["inbox", "list", "-c", config]) == 0
    said = capsys.readouterr().out
    assert "2  unmapped     com.shop.PaymentCameIn  shop-rabbit" in said
    assert "1  undecodable  -  web" in said
    assert len(ids(config, "unmapped", capsys)) == 2
    assert invoke(["inbox", "list", "-c", config, "--reason", "failed"]) == 0
    assert "Nothing of that" in capsys.readouterr().out


def test_one_is_shown_with_its_mend_and_its_bytes(
    config: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    capsys: Capture = capsysbinary  # type: ignore[assignment]  # what is read of it is JSON either way
    (newest, _) = ids(config, "unmapped", capsys)
    (odd,) = ids(config, "undecodable", capsys)
    assert invoke(["inbox", "show", newest, "-c", config]) == 1
    said = capsysbinary.readouterr().out.decode()
    assert "near: PaymentReceived of flow order" in said
    assert "rule for events:\n  - match: {type: com.shop.PaymentCameIn}\n    as: PaymentReceived\n" in said
    assert invoke(["inbox", "show", odd, "-c", config, "--body"]) == 0
    assert capsysbinary.readouterr().out == b"\x00\xffno event"


def test_a_rule_is_tried_and_nothing_written(config: str, tmp_path: Path, capsys: Capture) -> None:
    (newest, other) = ids(config, "unmapped", capsys)
    rule = tmp_path / "rule.yaml"
    rule.write_text(RULE)
    assert invoke(["inbox", "show", newest, "-c", config, "--rule", str(rule)]) == 0
    said = capsys.readouterr().out
    assert said.count("PaymentReceived of order, order=o-1: joins o-1") == 2
    rule.write_text("- {match: {type: x}, ass: y}")
    assert invoke(["inbox", "show", newest, "-c", config, "--rule", str(rule)]) == 2
    assert "rule:1: [0].ass: unknown key; did you mean 'as'?" in capsys.readouterr().err
    assert ids(config, "unmapped", capsys) == [newest, other]


def test_replay_goes_by_the_configuration(config: str, tmp_path: Path, capsys: Capture) -> None:
    group = ["--reason", "unmapped", "--type", "com.shop.PaymentCameIn", "--source", "shop-rabbit"]
    (newest, other) = ids(config, "unmapped", capsys)
    assert invoke(["inbox", "replay", newest, "-c", config]) == 1
    assert "1 stays" in capsys.readouterr().out
    configuration(tmp_path, RULE)
    assert invoke(["inbox", "show", newest, "-c", config]) == 0
    assert "would be placed" in capsys.readouterr().out
    assert invoke(["inbox", "replay", newest, "-c", config]) == 0
    assert f"1 placed\n  {newest}  placed  PaymentReceived of order o-1" in capsys.readouterr().out
    assert invoke(["inbox", "replay", *group, "-c", config, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"placed": 1}
    assert invoke(["inbox", "replay", other, "-c", config]) == 0
    assert "1 gone" in capsys.readouterr().out


def test_discard_asks_first(config: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (odd,) = ids(config, "undecodable", capsys)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert invoke(["inbox", "discard", odd, "-c", config]) == 130
    assert ids(config, "undecodable", capsys) == [odd]
    assert (
        invoke(["inbox", "discard", "--reason", "undecodable", "--source", "web", "-c", config, "--yes"]) == 0
    )
    assert "1 discarded" in capsys.readouterr().out
    assert ids(config, "undecodable", capsys) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--reason", "odd"],
        ["show", "0"],
        ["show", "999"],
        ["replay"],
        ["replay", "--reason", "unmapped"],
        ["replay", "--reason", "odd", "--source", "web"],
        ["replay", "5", "--source", "web"],
        ["discard", "--yes"],
    ],
)
def test_wrong_usage_is_told(arguments: list[str], tmp_path: Path, capsys: Capture) -> None:
    config = configuration(tmp_path)
    assert invoke(["inbox", arguments[0], "-c", str(config), *arguments[1:]]) == 2
    assert "Traceback" not in capsys.readouterr().err
