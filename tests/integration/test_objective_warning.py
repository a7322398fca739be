"""An SLA's objective is not evaluated by this version: whoever configures one is told."""

import asyncio
import logging
from pathlib import Path

import pytest

from monitor.app import serve
from monitor.cli import invoke
from monitor.resources import models
from monitor.settings import load

SAID = "model order, SLA “Shipped”: its objective is kept, but not evaluated by this version."
CONFIG = """
database: sqlite:///objective.db
dashboard: {port: 0}
sources: [{name: web, kind: http}]
models:
  - file: MODEL
    key: order
    slas:
      - {name: Shipped, from: PaymentReceived, to: GoodsShipped, within: P2D,
         objective: {target: 99%, window: P30D}}
      - {name: Paid, from: start, to: PaymentReceived, within: P2D}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "choreoscope.yaml"
    path.write_text(CONFIG.replace("MODEL", str(models() / "order-fulfilment.bpmn")), "utf-8")
    return path


def test_config_check_says_so_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["config", "check", str(config)]) == 0
    assert [line for line in capsys.readouterr().err.splitlines() if "objective" in line] == [
        f"warning: {SAID}"
    ]


async def test_service_says_so_at_its_start(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    ready = asyncio.Event()
    with caplog.at_level(logging.WARNING, "choreoscope"):
        task = asyncio.create_task(serve(load(config, {}), ready=lambda _: ready.set()))
        try:
            async with asyncio.timeout(30):
                await ready.wait()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    told = [(record.name, record.getMessage()) for record in caplog.records]
    assert [one for one in told if "objective" in one[1]] == [("choreoscope", SAID)]
