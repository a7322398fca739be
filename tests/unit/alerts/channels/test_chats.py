"""Messages to Slack and Teams."""

import json
from typing import Any

import pytest

from monitor.alerts.addresses import Policy
from monitor.alerts.base import Undeliverable
from monitor.alerts.channels import slack, teams
from monitor.alerts.outbound import Outbound
from tests.support.http_receiver import HttpReceiver, answer
from tests.unit.alerts.samples import NOW, alert, hostile, notification, resolved


def outbound(receiver: HttpReceiver) -> Outbound:
    return Outbound(f"{receiver.url}/services/T0/B0/verysecret", policy=Policy(allow_private=True))


def texts(value: Any) -> list[str]:
    """All texts of a message, however deep."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in texts(each)]


async def test_slack_gets_blocks_and_a_text_for_those_who_show_none() -> None:
    async with HttpReceiver() as receiver:
        said = await slack.SlackChannel(outbound(receiver), zone="Europe/Berlin").send(notification(), NOW)
    assert said == "200 OK: ok"
    told = json.loads(receiver.received[0].body)
    assert told["text"] == "Order o-17: GoodsShipped was due Mon 2 Mar 2026, 10:25 CET and has not come."
    section, context = told["blocks"]
    assert section["text"]["text"] == (
        "🔴 *Critical* Order o-17: GoodsShipped was due Mon 2 Mar 2026, 10:25 CET and has not come."
    )
    facts, links = (element["text"] for element in context["elements"])
    assert "Due: Mon 2 Mar 2026, 10:25 CET" in facts
    assert "<https://monitor.example/traces/7|Open the trace>" in links


def test_slack_takes_at_most_fifty_blocks_of_three_thousand_characters() -> None:
    long = alert(annotations={"summary": "<" * 5000, "description": "&" * 9000})
    many = notification(*(long for _ in range(70)))
    told = slack.message(many, "UTC")
    assert len(told["blocks"]) <= 50
    for block in told["blocks"]:
        for text in texts(block):
            assert len(text) <= 3000
    assert "and 60 more" in texts(told)[-1]


def test_nothing_foreign_speaks_slack() -> None:
    shouting = alert(annotations={"summary": "<!channel> *now* <https://evil.example|click>"})
    told = slack.message(notification(shouting), "UTC")
    for text in texts(told):
        assert "<!channel>" not in text
        assert "<https://evil" not in text
    assert "&lt;!channel&gt;" in told["text"]


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        (answer(404, "Not Found", b"no_service"), True),
        (answer(410, "Gone", b"channel_is_archived"), True),
        (answer(403, "Forbidden", b"invalid_token"), True),
        (answer(400, "Bad Request", b"invalid_payload"), False),
        (answer(404, "Not Found", b"try later"), False),
        (answer(500, "Oh", b"rollup_error"), False),
        (answer(429, "Slowly", b"", retry_after="30"), False),
    ],
)
async def test_slack_says_what_is_for_good(reply: bytes, permanent: bool) -> None:
    async with HttpReceiver([reply]) as receiver:
        with pytest.raises(Undeliverable) as caught:
            await slack.SlackChannel(outbound(receiver)).send(notification(), NOW)
    assert caught.value.permanent is permanent
    assert "verysecret" not in caught.value.message


async def test_teams_gets_a_card() -> None:
    async with HttpReceiver([answer(202, "Accepted")]) as receiver:
        await teams.TeamsChannel(outbound(receiver), zone="Europe/Berlin").send(notification(), NOW)
    told = json.loads(receiver.received[0].body)
    (attachment,) = told["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["fallbackText"].startswith("Order o-17: GoodsShipped was due")
    facts = {fact["title"]: fact["value"] for fact in card["body"][1]["items"][1]["facts"]}
    assert facts["Due"] == "Mon 2 Mar 2026, 10:25 CET"
    actions = card["body"][1]["items"][-1]["actions"]
    assert actions[0] == {
        "type": "Action.OpenUrl",
        "title": "Open the trace",
        "url": "https://monitor.example/traces/7",
    }


def test_a_card_is_small_enough() -> None:
    long = alert(annotations={"summary": "x" * 5000, "description": "é" * 9000, "expected": "y" * 900})
    body = teams.fitting(notification(*(long for _ in range(30)), resolved()), "UTC")
    assert len(body) <= teams.LARGEST
    assert "more" in body.decode()


async def test_a_connector_that_answers_200_and_refuses_is_heard() -> None:
    refusal = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    async with HttpReceiver([answer(200, "OK", refusal)]) as receiver:
        with pytest.raises(Undeliverable, match="HTTP error 429"):
            await teams.TeamsChannel(outbound(receiver)).send(notification(), NOW)


def test_nothing_foreign_speaks_markdown() -> None:
    shouting = alert(annotations={"summary": "[click](https://evil.example) **now**"})
    card = json.dumps(teams.message(notification(shouting), "UTC"))
    assert "[click](" not in card.replace("fallbackText", "").split('"body"')[1]


def test_hostile_texts_make_messages_all_the_same() -> None:
    json.dumps(slack.message(hostile(), "Europe/Berlin"))
    json.dumps(teams.message(hostile(), "Europe/Berlin"))
