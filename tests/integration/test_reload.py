"""SIGHUP: another configuration is put to use, or refused while the last good one goes on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.flows import bpmn, tasks
from tests.support.serving import Serving, serving

MODEL = bpmn(f'<startEvent id="s"/>{tasks("Placed", "Paid")}<endEvent id="e"/>\ns -> Placed -> Paid -> e')
CONFIG = """
database: sqlite:///reload.db
dashboard: {port: 0}
sources: [{name: web, kind: http}]
events:
  - {match: {type: "*"}, keys: {order: data.order}}
models:
  - file: order.bpmn
    key: order
"""
PAID = """
    slas:
      - {name: Paid soon, from: Placed, to: Paid, within: PT1H}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "order.bpmn").write_bytes(MODEL)
    path = tmp_path / "choreoscope.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def monitor(config: Path, tmp_path: Path) -> Iterator[Serving]:
    with serving(config, tmp_path / "log") as found:
        yield found


def post(monitor: Serving, order: str) -> bool:
    event = {"specversion": "1.0", "id": order, "source": "/t", "type": "Placed", "data": {"order": order}}
    try:
        answer = httpx.post(
            monitor.address + "/api/v1/events",
            json=event,
            headers={"content-type": "application/cloudevents+json"},
            timeout=15,
        )
    except httpx.TransportError:  # the port is bound anew just now
        return False
    assert answer.status_code in (202, 503), answer.text
    return answer.status_code == 202


def posted(monitor: Serving, order: str) -> None:
    monitor.until(lambda: post(monitor, order))


def clocks(monitor: Serving, order: str) -> list[str]:
    (row,) = monitor.get("/api/v1/traces", params={"q": order}).json()["items"]
    return [one["sla"] for one in monitor.get(f"/api/v1/traces/{row['id']}").json()["clocks"]]


def refused(monitor: Serving) -> dict[str, Any] | None:
    found: dict[str, Any] | None = monitor.get("/api/v1/overview").json()["configuration"]["refused"]
    return found


def hang_up(monitor: Serving, said: str) -> None:
    before = monitor.log.count(said)
    monitor.process.send_signal(signal.SIGHUP)
    monitor.until(lambda: monitor.log.count(said) > before)


def test_a_change_is_put_to_use_and_nothing_is_lost(monitor: Serving, config: Path) -> None:
    """Orders come all the time, from before the change until after it."""
    address, stop, sent = monitor.address, threading.Event(), []

    def orders() -> None:
        number = 0
        while not stop.is_set():
            order = f"o-{number:05}"
            if post(monitor, order):
                sent.append(order)
                number += 1
            time.sleep(0.01)

    producer = threading.Thread(target=orders)
    producer.start()
    try:
        monitor.until(lambda: len(sent) > 20)
        config.write_text(CONFIG + PAID)
        hang_up(monitor, "it has changed, and is put to use")
        monitor.until(lambda: monitor.log.count("dashboard is at") == 2)
        there = len(sent)
        monitor.until(lambda: len(sent) > there + 20)
    finally:
        stop.set()
        producer.join()
    assert monitor.address == address
    overview = monitor.get("/api/v1/overview").json()
    assert overview["totals"]["events"] == len(sent) == overview["totals"]["traces"]
    assert clocks(monitor, sent[0]) == []
    assert clocks(monitor, sent[-1]) == ["Paid soon"]
    (flow,) = overview["flows"]
    assert flow["version"] == 2
    assert monitor.stop() == 0


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ("{name: Paid soon, on: Nowhere, within: PT1H}", "Nowhere"),
        (
            "{name: Paid soon, from: Placed, to: Paid, within: 4 hours}",
            "choreoscope.yaml:11: models[0].slas[0].within",
        ),
        (
            "{name: Paid soon, from: Placed, to: Paid, within: PT1H, calendar: bank}",
            "choreoscope.yaml:11: models[0].slas[0].calendar",
        ),
        (
            '{name: Paid soon, from: Placed, to: Paid, by: "17:00", timezone: Mars/Base}',
            "choreoscope.yaml:11: models[0].slas[0].timezone",
        ),
        (
            "{name: Paid soon, on: Paid, within: PT1H, objective: {target: 99%, window: -P1D}}",
            "choreoscope.yaml:11: models[0].slas[0].objective.window",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_last_good_goes_on(
    monitor: Serving, config: Path, broken: str, place: str
) -> None:
    config.write_text(CONFIG + f"    slas:\n      - {broken}\n")
    hang_up(monitor, "it cannot be used, and the last good one goes on")
    assert place in monitor.log
    said = refused(monitor)
    assert said is not None
    assert place in said["why"]
    assert place in monitor.get("/traces").text
    assert "choreoscope_config_refused 1.0" in monitor.get("/metrics").text
    assert monitor.get("/readyz").json() == {"status": "ready", "configuration": "refused"}
    posted(monitor, "o-1")
    assert clocks(monitor, "o-1") == []

    config.write_text(CONFIG)
    hang_up(monitor, "nothing has changed")
    assert refused(monitor) is None
    assert "cannot be used" not in monitor.get("/traces").text
    assert "choreoscope_config_refused 0.0" in monitor.get("/metrics").text


def test_a_model_that_cannot_be_used_is_refused(monitor: Serving, config: Path) -> None:
    config.with_name("order.bpmn").write_bytes(b"<no model")
    hang_up(monitor, "it cannot be used, and the last good one goes on")
    said = refused(monitor)
    assert said is not None
    assert "order.bpmn" in said["why"]


def test_what_does_not_start_after_all_is_taken_back(monitor: Serving, config: Path, tmp_path: Path) -> None:
    """A database in a folder that is none."""
    (tmp_path / "file").write_text("")
    config.write_text(CONFIG.replace("///reload.db", "///file/none.db"))
    hang_up(monitor, "It does not start")
    monitor.until(lambda: monitor.log.count("dashboard is at") == 2)
    said = refused(monitor)
    assert said is not None
    posted(monitor, "o-1")
    assert clocks(monitor, "o-1") == []
