"""Commands on pages: what is offered, exactly what goes out, who may do what, and hostile text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.commands.base import Attempt, Broker, Outcome, Status, Stop
from monitor.commands.declared import Item, Mode
from monitor.dashboard.command_words import STATUS, standing, when
from monitor.dashboard.words import plain
from tests.unit.dashboard.commanding import Shelf, a_command, an_item, commander
from tests.unit.dashboard.test_openapi import DOCUMENT, answered, validate

Opened = Callable[..., Any]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def opened(make: SimpleNamespace, client_for: Callable[..., Any], shelf: Shelf) -> Opened:
    def client(*items: Item, dry_run: bool = False, **more: Any) -> Any:
        rows = make.Rows(details={17: make.trace_detail()})
        known = commander(shelf, make.NOW, *items, dry_run=dry_run)
        return client_for(rows, commands=known, **more)

    return client


def fields(text: str) -> dict[str, str]:
    form = re.findall(r'<form class="confirm".*?</form>', text, re.DOTALL)[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


async def test_a_trace_shows_what_is_offered_and_what_was_sent(
    opened: Opened, shelf: Shelf, make: SimpleNamespace
) -> None:
    shelf.rows.append(a_command(make.NOW, status=Status.EFFECTIVE, told="GoodsShipped followed."))
    async with opened() as page:
        text = (await page.get("/traces/17")).text
    assert 'href="/traces/17/commands/release"' in text
    assert "Commands sent" in text
    assert "GoodsShipped followed." in text


async def test_the_preview_is_sent_as_it_was_seen(opened: Opened, shelf: Shelf) -> None:
    async with opened() as page:
        shown = await page.get("/traces/17/commands/release")
        assert '{"orderId":"order=o-17"}' in html.unescape(shown.text)
        assert 'data-pulse=""' in shown.text  # it does not change under anybody's eyes
        sent = {**fields(shown.text), "note": " please "}
        answer = await page.post("/traces/17/commands/release", data=sent)
        assert (answer.status_code, answer.headers["location"]) == (303, "/commands/5")
        again = await page.post("/traces/17/commands/release", data=sent)
        assert again.headers["location"] == "/commands/5"
    assert shelf.asked == [("request", "local", "please")]
    assert shelf.rows[0].message.id == sent["id"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"digest": "00"}, 409),
        ({"id": "mine"}, 409),
        ({"at": "2020-01-01T00:00:00+00:00"}, 409),
        ({"at": "when?"}, 409),
        ({"finding": "ff" * 16}, 409),
        ({"token": "forged"}, 403),
        ({"note": "x" * 2001}, 400),
    ],
)
async def test_anything_else_is_not_sent(
    opened: Opened, shelf: Shelf, changed: dict[str, str], status: int
) -> None:
    async with opened() as page:
        sent = fields((await page.get("/traces/17/commands/release")).text)
        answer = await page.post("/traces/17/commands/release", data={**sent, **changed})
        assert answer.status_code == status
    assert shelf.rows == []


@pytest.mark.parametrize("path", ["/traces/17/commands/none", "/traces/99/commands/release", "/commands/9"])
async def test_what_is_not_there_is_said(opened: Opened, path: str) -> None:
    async with opened() as page:
        assert (await page.get(path)).status_code in (404, 409)


async def test_what_cannot_be_asked_for_just_now_says_why(opened: Opened, shelf: Shelf) -> None:
    shelf.full = "The limit of 20 an hour is reached."
    async with opened() as page:
        assert shelf.full in (await page.get("/traces/17")).text
        preview = (await page.get("/traces/17/commands/release")).text
        assert shelf.full in preview
        assert '<form class="confirm"' not in preview
        answer = await page.post("/api/v1/traces/17/commands/release", json={})
        assert (answer.status_code, answer.json()["detail"]) == (409, shelf.full)


async def test_the_kill_switch(opened: Opened, shelf: Shelf) -> None:
    async with opened() as page:
        token = fields((await page.get("/commands")).text)["token"]
        answer = await page.post("/commands/stop", data={"token": token, "note": "harm"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/commands")
        text = (await page.get("/commands")).text
        assert "Stopped by <b>local</b>" in text
        assert "harm" in text
        assert "Commands are stopped by local." in (await page.get("/traces/17")).text
        await page.post("/commands/resume", data={"token": token})
    assert shelf.stop_row is None
    assert shelf.asked == [("resume", "local", "")]


async def test_without_logins_nobody_approves(opened: Opened, shelf: Shelf, make: SimpleNamespace) -> None:
    shelf.rows.append(a_command(make.NOW, mode=Mode.APPROVE, status=Status.WAITING))
    async with opened(an_item(mode=Mode.APPROVE)) as page:
        assert "without logins" in (await page.get("/traces/17/commands/release")).text
        for path in ("/api/v1/commands/5/approve", "/api/v1/traces/17/commands/release"):
            answer = await page.post(path, json={})
            assert answer.status_code == 409
            assert "without logins" in answer.json()["detail"]
    assert shelf.asked == []


@pytest.mark.parametrize(
    ("what", "status"),
    [("cancel", Status.QUEUED), ("again", Status.UNROUTABLE), ("cancel", Status.WAITING)],
)
async def test_what_can_be_done_with_a_command(
    opened: Opened, shelf: Shelf, make: SimpleNamespace, what: str, status: Status
) -> None:
    shelf.rows.append(a_command(make.NOW, status=status, attempts=1, expires=make.NOW + timedelta(hours=1)))
    async with opened() as page:
        text = (await page.get("/commands/5")).text
        assert f'action="/commands/5/{what}"' in text
        token = re.findall(r'name="token" value="(\w+)"', text)[0]
        answer = await page.post(f"/commands/5/{what}", data={"token": token})
        assert answer.headers["location"] == "/commands/5"
        assert (await page.post(f"/commands/5/{what}", data={"token": "x"})).status_code == 403
    assert [asked[:2] for asked in shelf.asked] == [(what, "local")]


async def test_a_dry_run_says_so(opened: Opened) -> None:
    async with opened(an_item(dry_run=True), dry_run=True) as page:
        text = (await page.get("/traces/17/commands/release")).text
        assert "Dry run" in text
        assert "It will be sent" not in text
        assert "nothing is sent" in (await page.get("/commands")).text


async def test_hostile_text_is_inert(opened: Opened, shelf: Shelf, make: SimpleNamespace) -> None:
    evil = "<script>alert(1)</script>\u202e\x07"
    message = replace(
        a_command(make.NOW).message,
        body=evil.encode(),
        headers={"x": evil},
        key=evil,
        place=evil,
        broker=evil,
    )
    shelf.rows.append(
        a_command(
            make.NOW,
            message=message,
            title=evil,
            trace_key=evil,
            reason=evil,
            note=evil,
            told=evil,
            finding="aa",
        )
    )
    shelf.tries.append(Attempt(1, evil, make.NOW, None, None, evil))
    shelf.stop_row = Stop(evil, make.NOW, evil)
    shelf.broker_rows.append(Broker(evil, 5, make.NOW, None, evil))
    async with opened(an_item(title=evil, description=evil)) as page:
        for path in ("/commands", "/commands/5", "/traces/17", "/traces/17/commands/release"):
            answer = await page.get(path)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "\u202e" not in answer.text
            assert "\x07" not in answer.text


async def test_every_status_has_its_words(opened: Opened, shelf: Shelf, make: SimpleNamespace) -> None:
    assert set(STATUS) == set(Status)
    shelf.rows = [
        a_command(make.NOW, id=number, status=status, told="It was so.", attempts=2, next_at=make.NOW)
        for number, status in enumerate(Status, 5)
    ]
    shelf.tries = [
        Attempt(number, "w", make.NOW, make.NOW, outcome, None) for number, outcome in enumerate(Outcome)
    ]
    async with opened() as page:
        text = (await page.get("/commands")).text
        for status, (_, _, word, _) in STATUS.items():
            assert f">{word}</span>" in text, status
        for row in shelf.rows:
            assert (await page.get(f"/commands/{row.id}")).status_code == 200
        only = (await page.get("/api/v1/commands?status=refused")).json()["items"]
        assert [one["status"] for one in only] == ["refused"]
        assert (await page.get("/commands?status=odd")).status_code == 400


def test_what_is_sent_and_not_yet_answered_says_whether_it_can_be_known(make: SimpleNamespace) -> None:
    due = make.NOW + timedelta(minutes=1)
    sent = a_command(make.NOW, status=Status.PUBLISHED, expect="Paid", due=due, published=make.NOW)
    assert plain(standing(sent, make.NOW)).startswith("Paid has to follow by")
    assert "not read that far yet" in plain(standing(sent, make.NOW + timedelta(minutes=2)))


def test_of_which_traces_it_is_offered_is_a_sentence() -> None:
    assert when(an_item()) == "Open traces of order."


async def test_programs_bring_ids_of_their_own(opened: Opened, shelf: Shelf) -> None:
    id_ = "0b6f1c9e-9b1d-4d5a-8a53-7d7a2d1f9b11"
    async with opened() as page:
        made = await page.post("/api/v1/traces/17/commands/release", json={"id": id_})
        assert made.json()["message"]["id"] == id_
        again = await page.post("/api/v1/traces/17/commands/release", json={"id": id_})
        assert again.json()["id"] == made.json()["id"]
        preview = (await page.get("/api/v1/traces/17/commands/release")).json()
        sent = {name: preview[name] for name in ("at", "digest")}
        sent["id"] = preview["message"]["id"]
        assert (await page.post("/api/v1/traces/17/commands/release", json=sent)).status_code == 200
        sent |= {"id": str(id_)[::-1], "digest": "00"}
        assert (await page.post("/api/v1/traces/17/commands/release", json=sent)).status_code in (400, 409)
        for bad in ({"id": 7}, {"note": 7}, {"at": "x", "id": id_[:-1] + "2"}):
            assert (await page.post("/api/v1/traces/17/commands/release", json=bad)).status_code == 400
    assert len(shelf.rows) == 2


async def test_not_enabled_there_is_nothing(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(make.Rows(details={17: make.trace_detail()})) as page:
        assert "Commands are off" in (await page.get("/commands")).text
        told = (await page.get("/api/v1/commands")).json()
        assert (told["enabled"], told["items"]) == (False, [])
        assert (await page.get("/api/v1/traces/17/commands")).json() == {"offers": [], "sent": []}
        assert (await page.get("/traces/17/commands/release")).status_code == 404
        assert (await page.post("/api/v1/commands/stop", json={})).status_code == 404


@pytest.mark.parametrize(
    ("path", "address", "sent"),
    [
        ("/api/v1/commands", "/api/v1/commands", None),
        ("/api/v1/commands/{id}", "/api/v1/commands/5", None),
        ("/api/v1/traces/{id}/commands", "/api/v1/traces/17/commands", None),
        ("/api/v1/traces/{id}/commands/{name}", "/api/v1/traces/17/commands/release", None),
        ("/api/v1/commands/stop", "/api/v1/commands/stop", {"note": "harm"}),
        ("/api/v1/commands/resume", "/api/v1/commands/resume", {}),
        ("/api/v1/commands/{id}/cancel", "/api/v1/commands/5/cancel", {}),
        ("/api/v1/commands/{id}/again", "/api/v1/commands/5/again", {}),
    ],
)
async def test_answers_are_as_described(
    opened: Opened, shelf: Shelf, make: SimpleNamespace, path: str, address: str, sent: dict[str, str] | None
) -> None:
    times = dict.fromkeys(
        ("approved", "expires", "next_at", "published", "due", "effect", "settled"), make.NOW
    )
    within = timedelta(minutes=10)
    shelf.rows = [
        a_command(make.NOW, status=Status.EFFECTIVE, within=within, expect="Paid", effect_event="e", **times),
        a_command(make.NOW, id=6),
    ]
    shelf.tries = [Attempt(1, "w", make.NOW, None, None, None)]
    shelf.tries += [Attempt(2, "w", make.NOW, make.NOW, outcome, "said") for outcome in Outcome]
    shelf.stop_row = Stop("ann", make.NOW, "harm")
    shelf.broker_rows = [Broker("kafka k:9092", 5, make.NOW, None, None)]
    async with opened() as page:
        answer = await (page.get(address) if sent is None else page.post(address, json=sent))
    assert answer.status_code == 200
    validate(answered(path, "200", "application/json"), answer.json())


async def test_what_is_asked_for_is_answered_as_described(opened: Opened) -> None:
    path = "/api/v1/traces/{id}/commands/{name}"
    schema = DOCUMENT["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    async with opened() as page:
        answer = await page.post("/api/v1/traces/17/commands/release", json={"note": "please"})
    validate(schema, answer.json())
