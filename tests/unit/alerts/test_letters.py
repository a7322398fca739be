"""Mails as they are written."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from lxml import html as html_parser

from monitor.alerts.letters import Picture, Writing, compose, flattened
from tests.unit.alerts.samples import HOSTILE, alert, hostile, notification, resolved

WRITING = Writing("Choreoscope <monitor@shop.example>", ("ops@shop.example",), zone="Europe/Berlin")
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def body(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    said: str = found.get_content()
    return said


def test_text_and_html_say_the_same() -> None:
    message = compose(notification(), WRITING)
    text, page = body(message, "plain"), html_parser.fromstring(body(message, "html"))
    words = " ".join(" ".join(map(str, page.itertext())).split())
    for said in ("GoodsShipped was due Mon 2 Mar 2026, 10:25 CET", "Critical", "Expected", "Europe/Berlin"):
        assert said in text
        assert said in words
    addresses = {link.get("href") or "" for link in page.iter("a")}
    assert {"https://monitor.example/traces/7", "https://monitor.example/alerts/a1#acknowledge"} <= addresses
    assert all(address in text for address in addresses if address != "https://monitor.example")


def test_a_sentence_is_not_said_twice() -> None:
    breached = alert(annotations={"summary": "“Ship in time” is breached for o-17."})
    message = compose(notification(breached), WRITING)
    page = html_parser.fromstring(body(message, "html"))
    assert page.findtext(".//h1") == "Order o-17: “Ship in time” is breached."
    assert not page.findall(".//h2")
    assert body(message, "plain").count("is breached") == 1


def test_the_page_is_one_for_every_reader() -> None:
    page = html_parser.fromstring(body(compose(notification(alert(), resolved()), WRITING), "html"))
    assert page.get("lang") == "en"
    assert len(page.findall(".//h1")) == 1
    assert page.findtext(".//title") == page.findtext(".//h1")
    assert all(cell.get("scope") for cell in page.iter("th"))
    assert not list(page.iter("script", "form", "iframe", "link"))


def test_mails_of_a_trace_are_a_thread() -> None:
    first = compose(notification(id="n-1"), WRITING)
    second = compose(notification(resolved(), id="n-2", group_key="another"), WRITING)
    other = compose(notification(alert(trace=8), id="n-3"), WRITING)
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["References"] != other["References"]


def test_mails_of_a_group_are_a_thread_where_they_are_about_several_traces() -> None:
    several = notification(alert(), alert(trace=8), id="n-1")
    again = notification(alert(trace=9), alert(trace=8), id="n-2")
    another = notification(alert(), alert(trace=8), id="n-3", group_key="another")
    first, second, third = (compose(each, WRITING)["References"] for each in (several, again, another))
    assert first == second != third


@pytest.mark.parametrize("kind", ["digest", "test"])
def test_digests_and_tests_stand_alone(kind: str) -> None:
    message = compose(notification(kind=kind), WRITING)
    assert message["References"] is None


def test_a_machine_wrote_it() -> None:
    message = compose(notification(), WRITING)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"
    assert compose(notification(resolved()), WRITING)["Importance"] is None


def test_a_long_subject_stays_on_its_line_and_another_alphabet_is_encoded() -> None:
    raw = flattened(compose(notification(), WRITING))
    assert b"\r\nSubject: Order o-17: GoodsShipped was due" in b"\r\n" + raw
    russian = alert(annotations={"summary": "Заказ не отправлен в срок, " * 5})
    raw = flattened(compose(notification(russian), WRITING))
    assert raw.isascii()
    read = message_from_bytes(raw, policy=default)
    assert "Заказ не отправлен" in read["Subject"]
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


def test_a_subject_of_ones_own() -> None:
    own = Writing("m@shop.example", ("ops@shop.example",), subject="[{{ status }}] {{ common_labels.key }}\n")
    assert compose(notification(), own)["Subject"] == "[firing] order=o-17"
    blank = Writing("m@shop.example", ("ops@shop.example",), subject=" ")
    assert compose(notification(), blank)["Subject"].startswith("Order o-17")


def test_the_picture_is_shown_or_attached() -> None:
    shown = compose(notification(), WRITING, Picture(SVG, b"\x89PNG"))
    related = next(part for part in shown.walk() if part.get_content_type() == "multipart/related")
    image = next(part for part in related.walk() if part.get_content_type() == "image/png")
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in body(shown, "html")
    assert image.get_content_disposition() == "inline"
    attached = compose(notification(), WRITING, Picture(SVG))
    (part,) = attached.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("image/svg+xml", "trace.svg")
    assert "attached" in body(attached, "html")
    assert "attached" in body(attached, "plain")


def test_digests_begin_with_numbers() -> None:
    message = compose(notification(alert(), alert(), resolved(), kind="digest"), WRITING)
    assert message["Subject"] == "Digest: 2 alerts firing, 1 resolved"
    assert "- order: 2 firing, 1 resolved" in body(message, "plain")
    cells = [cell.text for cell in html_parser.fromstring(body(message, "html")).iter("td")]
    assert cells[:2] == ["2", "1"]


def test_what_is_not_told_is_counted() -> None:
    message = compose(notification(*(alert(id=f"a{n}") for n in range(60)), truncated=7), WRITING)
    assert "And 47 more: https://monitor.example/alerts" in body(message, "plain")


def test_no_header_and_no_tag_comes_from_a_foreign_text() -> None:
    message = compose(hostile(), WRITING)
    raw = message.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head
    assert message["Subject"].count("\n") == 0
    assert all(len(line) <= 998 for line in flattened(message).split(b"\r\n"))
    page = html_parser.fromstring(body(message, "html"))
    assert not list(page.iter("script"))
    assert "<script>alert(1)</script>" in "".join(map(str, page.itertext()))
    assert HOSTILE not in body(message, "plain")


def test_a_mail_stays_small() -> None:
    message = compose(notification(*(alert() for _ in range(200))), WRITING)
    assert len(body(message, "html")) < 102_000
    long = alert(annotations={"summary": "x" * 100_000, "description": "y" * 1_000_000})
    message = compose(notification(*(long for _ in range(200))), WRITING)
    assert len(message.as_bytes()) < 300_000
