"""The inbox's pages and API: what is shown of a mender's words, what is sent to it, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from monitor.dashboard.api import OPENAPI
from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason, Key, Misfit, Observation
from monitor.mending.advice import Advice, Candidate
from monitor.mending.base import Fate, Mends, Progress, Told, Trial
from monitor.mending.groups import SubGroup
from monitor.mending.outlook import Outlook
from monitor.mending.paths import Likely, Spot
from monitor.settings import ConfigProblem, InvalidConfig
from monitor.storage.mending import InboxPart, Link, LinkedTrace
from monitor.storage.views import InboxGroup
from tests.contract.store_harness import NOON, an_event

HOSTILE = "<script>alert(1)</script>\u202egpj.exe"
EVENT = an_event("e-1")
SEEN = Observation("order", "Paid", NOON, b"i", (Key("order", "o-17"),))
RULE = "- match: {type: X}\n  as: Paid\n"
PART = {"reason": "unmapped", "type": "X", "source": "shop-rabbit"}


@dataclass
class Mender:
    """Says what it is told to, and remembers what was asked."""

    said: Advice | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    steps: int = 1
    fate: Fate = Fate.PLACED

    async def advice(self, _: int) -> Advice | None:
        return self.said

    async def parts(self, _: InboxPart) -> tuple[list[SubGroup], int]:
        return [SubGroup(f"no {HOSTILE}", 7, 5, "x"), SubGroup("other", 2, 3, "y")], 9

    async def count(self, _: InboxPart) -> int:
        return 9

    async def newest(self, _: InboxPart) -> int:
        return 5

    async def remaining(self, _: InboxPart, progress: Progress) -> int:
        return progress.until - progress.after

    def nearest(self, type_: str) -> Sequence[str]:
        return [f"near {type_}"]

    async def attempt(self, id_: int, text: str) -> Trial | None:
        self.asked.append(("try", text))
        if "bad" in text:
            raise InvalidConfig(
                [ConfigProblem("rule", 2, f"as.{HOSTILE}", "unknown key; did you mean 'as'?")]
            )
        misfit = Misfit(EVENT.delivery, InboxReason.NO_KEY, f"no key {HOSTILE}", event=EVENT)
        looks = (
            Outlook(id_, (EVENT,), (SEEN, SEEN._replace(keys=(Key("order", HOSTILE),))), None),
            Outlook(6, (), (), misfit),
            Outlook(7, (), (), None),
        )
        return Trial(looks, {Link("order", "order", "o-17"): LinkedTrace(17, "o-17")}, set(), 3)

    async def replay(self, id_: int, who: str) -> Told:
        self.asked.append(("replay", (id_, who)))
        if self.fate is Fate.PLACED:
            return Told(id_, self.fate, observations=(SEEN,))
        return Told(id_, self.fate, f"why {HOSTILE}")

    async def discard(self, id_: int, who: str) -> bool:
        self.asked.append(("discard", (id_, who)))
        return True

    async def begin(self, _: InboxPart) -> Progress:
        return Progress(0, 300)

    async def replay_group(self, part: InboxPart, who: str, progress: Progress, _: float) -> Progress:
        self.asked.append(("replay", (part, who, progress.after)))
        progress.after += 100
        progress.counts[Fate.PLACED] += 60
        progress.counts[Fate.STAYS] += 40
        progress.told.append(Told(8, Fate.STAYS, f"why {HOSTILE}"))
        progress.is_done = progress.after >= progress.until
        return progress

    async def discard_group(self, part: InboxPart, who: str, progress: Progress, _: float) -> Progress:
        self.asked.append(("discard", (part, who, progress.after)))
        progress.counts[Fate.DISCARDED] += 9
        progress.is_done = True
        return progress


_MENDS: type[Mends] = Mender  # checked by mypy

ADVICE = Advice(
    InboxReason.UNMAPPED,
    f"no flow knows {HOSTILE}",
    (Candidate("order", f"Paid{HOSTILE}", 0.87),),
    (Likely(Spot("data.orderId", "orderId", HOSTILE), "order", "a known order"),),
    RULE,
    note="Or ignore it.",
)


@pytest.fixture
def mender() -> Mender:
    return Mender(ADVICE)


@pytest.fixture
def rows(make: SimpleNamespace) -> Any:
    return make.Rows(
        inbox_rows=(make.inbox_row(reason=InboxReason.UNMAPPED, type=f"X{HOSTILE}", detail=f"no {HOSTILE}"),),
        groups=(
            InboxGroup(InboxReason.UNMAPPED, f"X{HOSTILE}", "shop-rabbit", 9, make.NOW, f"no {HOSTILE}"),
        ),
        audit_rows=(
            Audited(3, make.NOW, HOSTILE, "inbox.replay", f"message {HOSTILE}", json.dumps({"x": HOSTILE})),
            Audited(2, make.NOW, "local", "unheard.of", "x", "{}"),
        ),
    )


async def token(client: httpx.AsyncClient) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', (await client.get("/inbox/5")).text)
    assert found
    return found[1]


PAGES = [
    "/inbox",
    "/inbox?reason=unmapped&source=shop-rabbit",
    "/inbox/group?reason=unmapped&type=X&source=shop-rabbit",
    "/inbox/5",
    "/inbox/5?view=hex&at=99999",
    "/inbox/5/discard",
    "/inbox/discard?reason=unmapped&source=shop-rabbit",
    "/audit",
]


@pytest.mark.parametrize("path", PAGES)
async def test_hostile_text_is_inert(
    path: str, rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        response = await client.get(path)
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "\u202e" not in response.text
    assert response.text.count("<h1") == 1


async def test_message_says_why_and_what_would_mend_it(
    rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        text = (await client.get("/inbox/5")).text
    assert "87 % alike" in text
    assert "data.orderId" in text
    assert "- match: {type: X}\n  as: Paid\n</textarea>" in text
    assert "Or ignore it." in text


async def test_message_that_could_be_placed_by_now_says_so(rows: Any, client_for: Callable[..., Any]) -> None:
    said = Advice(None, "With the configuration in use it would be placed.")
    async with client_for(rows, mender=Mender(said)) as client:
        text = (await client.get("/inbox/5")).text
        group = (await client.get("/inbox/group", params=PART)).text
    assert "it would be placed." in text
    assert 'class="main">Replay all 9' in group


async def test_without_a_mender_the_inbox_can_be_looked_at(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        assert "<textarea" not in (await client.get("/inbox/5")).text
        assert (await client.get("/inbox/group", params=PART)).status_code == 404
        assert (await client.post("/api/v1/inbox/replay", json={"id": 5})).status_code == 404


async def test_rule_is_tried(rows: Any, mender: Mender, client_for: Callable[..., Any]) -> None:
    async with client_for(rows, mender=mender) as client:
        form = {"token": await token(client), "rule": RULE}
        response = await client.post("/inbox/5/try", data=form)
    assert response.status_code == 200
    assert mender.asked == [("try", RULE)]
    assert 'href="/traces/17"' in response.text
    assert "begins a trace" in response.text
    assert "1 would be placed" in response.text
    assert "1 would stay" in response.text
    assert "1 would be ignored" in response.text
    assert "3 further messages" in response.text
    assert "<script>alert" not in response.text
    assert 'data-pulse=""' in response.text  # the answer to a form cannot be fetched again


async def test_wrong_rule_is_told_with_its_place_and_stays_in_the_form(
    rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        form = {"token": await token(client), "rule": "bad: </textarea><b>"}
        response = await client.post("/inbox/5/try", data=form)
    assert response.status_code == 400
    assert "Line 2" in response.text
    assert "did you mean" in response.text
    assert "bad: &lt;/textarea&gt;&lt;b&gt;" in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "path", ["/inbox/5/try", "/inbox/5/replay", "/inbox/5/discard", "/inbox/replay", "/inbox/discard"]
)
async def test_nothing_changes_without_a_token_of_ours(
    path: str, rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        ours = await token(client)
        given = {**PART, "rule": RULE}
        for form, headers in (
            (given, {}),
            ({**given, "token": "0" * 64}, {}),
            ({**given, "token": ours}, {"origin": "http://evil.example"}),
            ({**given, "token": ours}, {"sec-fetch-site": "cross-site"}),
        ):
            response = await client.post(path, data=form, headers=headers)
            assert response.status_code == 403
        assert (await client.post(path, json={**given, "token": ours})).status_code == 415
        assert mender.asked == []
        same = {"origin": "http://localhost:8321", "sec-fetch-site": "same-origin"}
        assert (await client.post(path, data={**given, "token": ours}, headers=same)).status_code == 200
    assert len(mender.asked) == 1


async def test_one_is_replayed_and_one_discarded(
    rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        form = {"token": await token(client)}
        placed = await client.post("/inbox/5/replay", data=form)
        mender.fate = Fate.STAYS
        stays = await client.post("/inbox/5/replay", data=form)
        gone = await client.post("/inbox/5/discard", data=form)
    assert "Placed" in placed.text
    assert 'href="/traces?q=order%3Do-17"' in placed.text
    assert "Stays in the inbox" in stays.text
    assert "Back to the message" in stays.text
    assert "Discarded" in gone.text
    assert mender.asked == [("replay", (5, "local")), ("replay", (5, "local")), ("discard", (5, "local"))]


async def test_group_goes_on_where_it_was(rows: Any, mender: Mender, client_for: Callable[..., Any]) -> None:
    async with client_for(rows, mender=mender) as client:
        form: dict[str, str] = {"token": await token(client), **PART}
        response = await client.post("/inbox/replay", data=form)
        assert "100 of 300 messages so far; 200 remain" in response.text
        for so_far in ("200 of 300", "300 messages: that is all"):
            inside = response.text[response.text.index("data-go-on") :].partition("</form>")[0]
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside))
            response = await client.post("/inbox/replay", data=form)
            assert so_far in response.text
    assert "data-go-on" not in response.text
    assert "180 messages" in response.text  # all that were placed on the way
    part = InboxPart(InboxReason.UNMAPPED, "X", "shop-rabbit")
    assert mender.asked == [("replay", (part, "local", after)) for after in (0, 100, 200)]


@pytest.mark.parametrize(
    "changed", [{"reason": "odd"}, {"reason": ""}, {"source": ""}, {"until": "x"}, {"until": "9" * 30}]
)
async def test_odd_forms_are_told(
    changed: dict[str, str], rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        form = {"token": await token(client), **PART, **changed}
        assert (await client.post("/inbox/replay", data=form)).status_code == 400
    assert mender.asked == []


async def test_bytes_are_an_inert_file(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    body = bytes(range(256)) * 40
    rows = make.Rows(inbox_rows=(make.inbox_row(body=body, size=len(body), content_type="text/html"),))
    async with client_for(rows) as client:
        file = await client.get("/api/v1/inbox/5/body")
        first = (await client.get("/inbox/5?view=hex")).text
        last = (await client.get("/inbox/5?view=hex&at=8200")).text
        missing = await client.get("/api/v1/inbox/6/body")
    assert file.content == body
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"] == 'attachment; filename="message-5.bin"'
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]
    assert "000000  00 01 02" in first
    assert "at=4096#body" in first
    assert "002000  00 01 02" in last
    assert "These are the last." in last
    assert missing.status_code == 404


# the API --------------------------------------------------------------------------------------------------

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())


def validate(name: str, instance: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(instance)


async def test_programs_do_the_same(rows: Any, mender: Mender, client_for: Callable[..., Any]) -> None:
    async with client_for(rows, mender=mender) as client:
        listed = (await client.get("/api/v1/inbox")).json()
        item = (await client.get("/api/v1/inbox/5")).json()
        trial = (await client.post("/api/v1/inbox/5/try", json={"rule": RULE})).json()
        wrong = await client.post("/api/v1/inbox/5/try", json={"rule": "bad"})
        one = (await client.post("/api/v1/inbox/replay", json={"id": 5})).json()
        some = (await client.post("/api/v1/inbox/replay", json=PART)).json()
        rest = (
            await client.post("/api/v1/inbox/replay", json={**PART, "after": some["after"], "until": 200})
        ).json()
        gone = (await client.post("/api/v1/inbox/discard", json=PART)).json()
        audit = (await client.get("/api/v1/audit")).json()
    validate("InboxList", listed)
    assert listed["groups"][0]["nearest"] == [f"near X{HOSTILE}"]
    validate("InboxItem", item)
    assert item["advice"]["rule"] == RULE
    validate("Trial", trial)
    assert [one["fate"] for one in trial["items"]] == ["placed", "stays", "ignored"]
    assert wrong.status_code == 400
    validate("RuleProblem", wrong.json())
    assert wrong.json()["problems"][0]["line"] == 2
    for answered in (one, some, rest, gone):
        validate("Progress", answered)
    assert (some["done"], some["remaining"], rest["done"]) == (False, 200, True)
    validate("AuditList", audit)
    for body in ({"id": 5}, PART, {**PART, "after": 3, "until": 9}):
        validate("Selection", body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/inbox/5/try", {}),
        ("/api/v1/inbox/5/try", {"rule": 5}),
        ("/api/v1/inbox/replay", {}),
        ("/api/v1/inbox/replay", {"id": "x"}),
        ("/api/v1/inbox/replay", {"id": [5]}),
        ("/api/v1/inbox/discard", {"id": True}),
        ("/api/v1/inbox/discard", {"reason": "unmapped"}),
    ],
)
async def test_what_programs_send_wrong_is_told(
    path: str, body: dict[str, Any], rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        response = await client.post(path, json=body)
    assert response.status_code == 400
    validate("Problem", response.json())
    assert mender.asked == []


@pytest.mark.parametrize("path", ["/api/v1/inbox/replay", "/api/v1/inbox/discard", "/api/v1/inbox/5/try"])
async def test_pages_of_other_sites_cannot_use_the_api(
    path: str, rows: Any, mender: Mender, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, mender=mender) as client:
        foreign = await client.post(path, json={"id": 5}, headers={"origin": "http://evil.example"})
        unasked = await client.post(path, content=b'{"id": 5}', headers={"content-type": "text/plain"})
    assert foreign.status_code == 403
    assert unasked.status_code == 415
    assert mender.asked == []
