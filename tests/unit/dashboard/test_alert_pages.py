"""Pages and API of alerts: what is shown, and what people change."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.storage.alerting import AlertFilter
from tests.unit.dashboard.alert_desks import HOSTILE, ID, NOW, OneOfEach, alert, desk, row
from tests.unit.dashboard.test_openapi import answered, validate

Clients = Callable[..., Any]
PAGES = ("/alerts", f"/alerts/{ID}", "/silences", "/silences/new", "/receivers", "/notifications/5")


async def token(client: Any, path: str) -> str:
    page = (await client.get(path)).text
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", PAGES)
async def test_without_alerts_there_is_nothing_to_see(
    path: str, make: SimpleNamespace, client_for: Clients
) -> None:
    async with client_for(make.Rows()) as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/alerts", ("SlaBreached", "o-1 is late.", "Firing", "critical", f"/alerts/{ID}", "/traces/17")),
        (
            f"/alerts/{ID}",
            (
                "o-1 is late.",
                "I take care of it",
                "silence 3",
                "/silences/new?matchers=",
                "Not known",
                "200 OK",
            ),
        ),
        ("/silences", ("flow=&#34;order&#34;", "works", "ann", "End now")),
        ("/silences/new?matchers=flow%3D%22x%22", ("flow=&#34;x&#34;", "4 hours", "Silence them")),
        ("/receivers", ("webhook", "410 Gone", "Disabled", "Not seen yet", "Try again", "Send a sample")),
        ("/notifications/5", ("ab12", "Arrived", "Send it again", "o-1 is late.")),
    ],
)
async def test_what_pages_say(
    path: str, said: tuple[str, ...], make: SimpleNamespace, client_for: Clients
) -> None:
    async with client_for(make.Rows(), alerts=desk(OneOfEach())) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert [text for text in said if text not in answer.text] == []


async def test_filters_are_read(make: SimpleNamespace, client_for: Clients) -> None:
    store = OneOfEach()
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        query = "state=firing&name=Missing&flow=order&severity=critical&trace=7&acknowledged=no"
        assert (await client.get(f"/alerts?{query}")).status_code == 200
        assert store.asked == [AlertFilter("firing", "Missing", "order", "critical", 7, False)]
        for wrong in ("state=odd", "name=Odd", "severity=odd", "trace=x", "acknowledged=maybe"):
            assert (await client.get(f"/api/v1/alerts?{wrong}")).status_code == 400


@pytest.mark.parametrize("path", PAGES)
async def test_hostile_texts_are_inert(path: str, make: SimpleNamespace, client_for: Clients) -> None:
    labels = {**alert().labels, "key": HOSTILE, "flow": HOSTILE}
    said = alert(labels=labels, annotations={"summary": HOSTILE, "key": HOSTILE})
    store = OneOfEach(row(alert=said, reason=HOSTILE, acknowledged_by=HOSTILE, acknowledged=NOW))
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        page = (await client.get(path)).text
    assert "<script>alert" not in page
    assert "\u202e" not in page


async def test_who_takes_care_of_a_finding_is_asked_of_the_finding(
    make: SimpleNamespace, client_for: Clients
) -> None:
    store = OneOfEach()
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        fields = {"token": await token(client, f"/alerts/{ID}"), "note": " mine "}
        store.asked.clear()
        answer = await client.post(f"/alerts/{ID}/acknowledge", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{ID}#acknowledge")
        assert store.asked == [("acknowledge", 17, "ab" * 16, "local", "mine", make.NOW)]
        done = await client.post(f"/api/v1/alerts/{ID}/resume", json={})
        assert done.json() == {"alert": ID, "acknowledged": False}
        assert store.asked[1] == ("resume", 17, "ab" * 16, "local", make.NOW)
        store.done = False
        assert (await client.post(f"/api/v1/alerts/{ID}/acknowledge", json={})).status_code == 404


async def test_an_alert_about_no_finding_is_acknowledged_itself(
    make: SimpleNamespace, client_for: Clients
) -> None:
    store = OneOfEach(row(alert=alert(trace=None, finding=None)))
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        await client.post(f"/api/v1/alerts/{ID}/acknowledge", json={"note": "cable"})
        await client.post(f"/api/v1/alerts/{ID}/resume", json={})
    assert store.asked == [
        ("acknowledge", bytes.fromhex(ID), "local", "cable", make.NOW),
        ("acknowledge", bytes.fromhex(ID), "local", None, make.NOW),
    ]


async def test_a_silence_is_made_and_ended(make: SimpleNamespace, client_for: Clients) -> None:
    store = OneOfEach()
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        fields = {"token": await token(client, "/silences/new"), "duration": "1d", "comment": "move"}
        wanted = {**fields, "matchers": 'flow="order"\nseverity=~"crit.*"'}
        assert (await client.post("/silences", data=wanted)).status_code == 303
        day = make.NOW + timedelta(days=1)
        said = 'flow="order", severity=~"crit.*"'
        assert store.asked == [("silence", said, make.NOW, day, "move", "local")]
        made = await client.post("/api/v1/silences", json={"matchers": 'flow="order"', "duration": "90m"})
        assert made.json() == {"silence": 7}
        assert store.asked[1][3] == make.NOW + timedelta(minutes=90)
        assert (await client.post("/silences/3/expire", data=fields)).status_code == 303
        assert store.asked[2] == ("expire", 3, "local", make.NOW)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"matchers": "", "duration": "1h"}, "needs a matcher"),
        ({"matchers": "flow", "duration": "1h"}, "is no matcher"),
        ({"matchers": 'flow!="x"', "duration": "1h"}, "without any label"),
        ({"matchers": 'flow=~"(a+)+"', "duration": "1h"}, "for ever"),
        ({"matchers": 'flow="x"'}, "How long"),
        ({"matchers": 'flow="x"', "duration": "soon"}, "It is a number"),
        ({"matchers": 'flow="x"', "duration": "400d"}, "longer than a year"),
        ({"matchers": 'flow="x"', "ends": "2020-01-01"}, "ends before it begins"),
    ],
)
async def test_a_silence_that_makes_no_sense_is_refused(
    wish: dict[str, str], said: str, make: SimpleNamespace, client_for: Clients
) -> None:
    store = OneOfEach()
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        answer = await client.post("/api/v1/silences", json=wish)
        assert answer.status_code == 400
        assert said in answer.text
        page = await client.post("/silences", data={**wish, "token": await token(client, "/silences/new")})
        assert page.status_code == 400
        assert "Silence them" in page.text  # what was written is still there
    assert store.asked == []


async def test_receivers_are_tried_enabled_and_messages_sent_again(
    make: SimpleNamespace, client_for: Clients
) -> None:
    store = OneOfEach()
    async with client_for(make.Rows(), alerts=desk(store)) as client:
        fields = {"token": await token(client, "/receivers")}
        tried = await client.post("/receivers/ops/test", data=fields)
        assert tried.headers["location"] == "/notifications/5"
        assert (await client.post("/receivers/ops/enable", data=fields)).status_code == 303
        assert (await client.post("/notifications/5/resend", data=fields)).status_code == 303
        assert (await client.post("/receivers/nobody/test", data=fields)).status_code == 404
        assert (await client.post("/api/v1/receivers/team/enable", json={})).json() == {"receiver": "team"}
        assert (await client.post("/api/v1/receivers/team/test", json={})).json() == {"notification": 5}
        assert (await client.post("/api/v1/notifications/5/resend", json={})).json() == {"notification": 5}
    assert [one[:2] for one in store.asked] == [
        ("test", "ops"),
        ("enable", "ops"),
        ("resend", 5),
        ("enable", "team"),
        ("test", "team"),
        ("resend", 5),
    ]


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/api/v1/alerts", "/api/v1/alerts"),
        ("/api/v1/alerts/{id}", f"/api/v1/alerts/{ID}"),
        ("/api/v1/silences", "/api/v1/silences"),
        ("/api/v1/receivers", "/api/v1/receivers"),
        ("/api/v1/notifications", "/api/v1/notifications?receiver=ops"),
        ("/api/v1/notifications/{id}", "/api/v1/notifications/5"),
    ],
)
async def test_answers_are_as_the_document_says(
    path: str, address: str, make: SimpleNamespace, client_for: Clients
) -> None:
    for found in (
        row(),
        row(lasting=False, acknowledged=NOW),
        row(alert=replace(alert(), status="resolved")),
    ):
        async with client_for(make.Rows(), alerts=desk(OneOfEach(found))) as client:
            answer = await client.get(address)
        assert answer.status_code == 200
        validate(answered(path, "200", "application/json"), answer.json())


@pytest.mark.parametrize(
    "path", ["/alerts/xyz", "/alerts/" + "00" * 16, "/notifications/9", "/notifications/x"]
)
async def test_what_is_not_there_is_said_to_be(path: str, make: SimpleNamespace, client_for: Clients) -> None:
    async with client_for(make.Rows(), alerts=desk(OneOfEach())) as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.get(f"/api/v1{path}")).status_code == 404
