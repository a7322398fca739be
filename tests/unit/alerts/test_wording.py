"""What messages to people say."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts import wording
from monitor.alerts.sample import sample
from monitor.plaintext import local, one_line
from tests.unit.alerts.samples import HOSTILE, NOW, alert, hostile, notification, resolved

BERLIN = "Europe/Berlin"


def test_a_single_alert_is_the_headline() -> None:
    said = "Order o-17: GoodsShipped was due Mon 2 Mar 2026, 10:25 CET and has not come."
    assert wording.headline(notification(), BERLIN) == said
    assert wording.headline(notification(resolved()), BERLIN) == f"Resolved: {said}"


def test_what_the_sentence_names_itself_is_not_said_twice() -> None:
    named = alert(annotations={"summary": "The order o-17 is late."})
    assert wording.headline(notification(named)) == "The order o-17 is late."


def test_the_subject_takes_the_place_of_the_key() -> None:
    breached = alert(annotations={"summary": "“Ship in time” is breached for o-17: it was due."})
    assert wording.headline(notification(breached)) == "Order o-17: “Ship in time” is breached: it was due."


@pytest.mark.parametrize(
    ("key", "flow", "said"),
    [
        ("order=o-17", "shop", "Order o-17"),
        ("o-17", "order-fulfilment", "Order fulfilment o-17"),
        ("order=a=b", "shop", "Order a=b"),
        ("order=", "shop", ""),
        ("", "shop", ""),
    ],
)
def test_what_an_alert_is_about(key: str, flow: str, said: str) -> None:
    assert wording.subject(alert(labels={"key": key, "flow": flow})) == said


def test_several_alerts_are_counted() -> None:
    three = notification(alert(), alert(id="a2"), resolved(id="a3"))
    assert wording.headline(three) == "2 alerts firing, 1 resolved: order"
    assert wording.headline(notification(alert(), alert(), group_labels={})) == "2 alerts firing"
    assert wording.headline(notification(resolved(), resolved())) == "2 alerts resolved: order"


def test_digests_and_tests_say_what_they_are() -> None:
    assert wording.headline(notification(alert(), resolved(), kind="digest")) == (
        "Digest: 1 alert firing, 1 resolved"
    )
    assert wording.headline(sample("team", "https://monitor.example", NOW, "t-1")) == (
        "Test of the receiver team"
    )


def test_the_facts_are_in_the_readers_zone() -> None:
    facts = dict(wording.told(alert(), notification(), BERLIN).facts)
    assert facts["Due"] == "Mon 2 Mar 2026, 10:25 CET"
    assert facts["Started"] == "Thu 26 Feb 2026, 10:25 CET"
    assert facts["Expected"] == "GoodsShipped"
    assert "Resolved" not in facts
    assert "Alert since" not in facts  # it is since it was due
    later = dict(wording.told(alert(starts_at=NOW), notification(), BERLIN).facts)
    assert later["Alert since"] == "Mon 2 Mar 2026, 10:30 CET"
    past = dict(wording.told(resolved(), notification(), BERLIN).facts)
    assert past["Resolved"] == "Mon 2 Mar 2026, 10:30 CET"
    assert past["Why"] == "GoodsShipped came Mon 2 Mar 2026, 10:29 CET."


@pytest.mark.parametrize(
    ("when", "zone", "said"),
    [
        (datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC), BERLIN, "Wed 1 Jul 2026, 10:00:05 CEST"),
        (datetime(2026, 7, 1, 8, tzinfo=timezone(timedelta(hours=2))), "UTC", "Wed 1 Jul 2026, 06:00 UTC"),
        ("2026-07-01T08:00:00Z", "America/Sao_Paulo", "Wed 1 Jul 2026, 05:00 UTC-03"),
        ("2026-07-01T08:00:00", "UTC", "Wed 1 Jul 2026, 08:00 UTC"),
        ("tomorrow", BERLIN, "tomorrow"),
    ],
)
def test_times_are_told_with_their_zone(when: datetime | str, zone: str, said: str) -> None:
    assert local(when, zone) == said


def test_the_ends_of_time_are_told() -> None:
    assert local(datetime.max.replace(tzinfo=UTC), BERLIN).startswith("Fri 31 Dec 9999")


def test_links_lead_to_pages() -> None:
    links = dict(wording.links(alert(), notification()))
    assert links["Open the trace"] == "https://monitor.example/traces/7"
    assert links["Acknowledge"] == "https://monitor.example/alerts/a1#acknowledge"
    asked = parse_qs(urlsplit(links["Silence"]).query)
    assert asked["matchers"] == [
        'alertname="SlaBreached",flow="order",sla="Ship in time",element="Task_Ship",'
        'trace="7",key="order=o-17"'
    ]
    assert dict(wording.links(alert(trace=None), notification())).keys() == {
        "Open the alert",
        "Acknowledge",
        "Silence",
    }


def test_what_is_resolved_needs_no_one() -> None:
    assert [text for text, _ in wording.links(resolved(), notification())] == ["Open the trace"]


def test_a_silence_is_quoted() -> None:
    odd = alert(labels={"alertname": 'a"b\\c'})
    assert wording.silencing(odd) == 'alertname="a\\"b\\\\c"'


def test_many_alerts_are_told_up_to_a_number_and_the_firing_first() -> None:
    many = notification(resolved(), *(alert(id=f"a{n}") for n in range(60)), truncated=5)
    told, left = wording.shown(many, "UTC", 50)
    assert (len(told), left) == (50, 16)
    assert {one.status for one in told} == {"firing"}


def test_digests_count_by_flow() -> None:
    other = alert(labels={"flow": "parcel"})
    one = notification(other, alert(), alert(), resolved(labels={}), kind="digest")
    assert wording.flows(one) == [("order", 2, 0), ("parcel", 1, 0), ("no single flow", 0, 1)]


def test_strangers_texts_do_nothing() -> None:
    told, _ = wording.shown(hostile(), BERLIN, 9)
    for one in told:
        texts = (
            one.sentence,
            one.description,
            one.subject,
            one.flow,
            *(text for fact in one.facts for text in fact),
        )
        for text in texts:
            assert not any(unicodedata.category(character) in ("Cc", "Cf") for character in text)
        for _, address in one.links:
            assert address.isascii()
            assert not set(address) & set('\r\n"<> ')
    assert "\n" not in wording.headline(hostile())


@given(st.text())
def test_one_line_is_one_line_and_short(text: str) -> None:
    line = one_line(text, 50)
    assert len(line) <= 50
    assert line == " ".join(line.split())
    line.encode("utf-8")


def test_one_line_cuts_and_says_so() -> None:
    assert one_line("x" * 300) == "x" * 199 + "…"
    assert one_line("a\n\tb") == "a b"
    assert one_line(HOSTILE).startswith("o-17 Bcc: thief@evil.example <script>")
    assert one_line("e" + "\u0301" * 20) == "e" + "\u0301" * 4
    assert one_line(" " * 10_000 + "x") == "…"
