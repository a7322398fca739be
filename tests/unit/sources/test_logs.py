"""Reading event logs."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import InvalidInput
from monitor.sources.log_record import Record
from monitor.sources.logs import fingerprint, records


def write(directory: Path, name: str, text: str | bytes) -> Path:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, format: str = "auto") -> list[Record]:
    found = list(records(path, format))
    assert None not in found
    return [record for record in found if record is not None]


def data(found: list[Record]) -> list[Any]:
    return [json.loads(record.body) for record in found]


def test_json_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path, "log.jsonl", '\ufeff{"a": 1}\r\n\n  \n{"specversion": "1.0"}\n[{"specversion": "1.0"}]'
    )
    assert read(path) == [
        Record(0, 1, b'{"a": 1}', "application/json"),
        Record(3, 4, b'{"specversion": "1.0"}', "application/cloudevents+json"),
        Record(4, 5, b'[{"specversion": "1.0"}]', "application/cloudevents-batch+json"),
    ]


def test_a_line_that_is_no_json_is_handed_over(tmp_path: Path) -> None:
    path = write(tmp_path, "log.jsonl", b"not json\n\xff\xfe\n")
    assert [record.body for record in read(path)] == [b"not json", b"\xff\xfe"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv(tmp_path: Path, delimiter: str) -> None:
    rows = [["case", "activity", "note"], ["1", "Place, or; not", 'a "quote"\nand a line'], ["2", "Ship", ""]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    found = read(write(tmp_path, "log.csv", "\ufeff" + text.getvalue()))
    assert data(found) == [
        {"case": "1", "activity": "Place, or; not", "note": 'a "quote"\nand a line'},
        {"case": "2", "activity": "Ship", "note": None},
    ]
    assert [(record.number, record.line) for record in found] == [(0, 2), (1, 4)]
    assert {record.content_type for record in found} == {"application/json"}


def test_csv_rows_that_do_not_fit_are_handed_over_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", b'a,b\n1\n1,2,3\n\xff,2\n"x"y,2\n\n5,6\n')
    found = read(path)
    assert [record.body for record in found[:4]] == [b"1", b"1,2,3", b"\xff,2", b'"x"y,2']
    assert {record.content_type for record in found[:4]} == {"text/csv"}
    assert json.loads(found[4].body) == {"a": "5", "b": "6"}
    assert [record.number for record in found] == [0, 1, 2, 3, 4]


def test_csv_quote_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{number},x\n" for number in range(100_000))
    found = read(write(tmp_path, "log.csv", f'a,b\n1,"x\n{rows}'))
    assert found[0].content_type == "text/csv"
    assert sum(record.body.count(b"\n") + 1 for record in found if record.content_type == "text/csv") < 40_000
    assert json.loads(found[-1].body) == {"a": "99999", "b": "x"}


def test_csv_header_alone_or_nothing(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", "a,b\n")) == []
    assert read(write(tmp_path, "b.csv", "")) == []
    assert data(read(write(tmp_path, "c.csv", "only\n1\n"))) == [{"only": "1"}]
    assert data(read(write(tmp_path, "d.csv", ",b\n1,2\n"))) == [{"column_1": "1", "b": "2"}]


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="__INVALID__"/></global>
  <classifier name="Activity" keys="concept:name"/>
  <string key="concept:name" value="the log"/>
  <trace>
    <string key="concept:name" value="order-1"/>
    <int key="amount" value="7"/>
    <event>
      <string key="concept:name" value="Place &amp; pay"/>
      <date key="time:timestamp" value="2026-01-02T03:04:05.000+01:00"/>
      <string key="lifecycle:transition" value="complete"/>
      <string key="org:resource" value="Ann"><string key="nested" value="left out"/></string>
      <float key="price" value="1.5"/><boolean key="paid" value="true"/>
      <int key="huge" value="99999999999999999999"/>
      <list key="items"><values><string key="item" value="a"/><int key="item" value="2"/></values></list>
      <string key="case" value="hidden"/>
    </event>
    <event><string key="concept:name" value="Ship"/></event>
  </trace>
  <trace><event><string key="concept:name" value="Lost"/></event></trace>
</log>
"""


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz", "log"])
def test_xes(tmp_path: Path, name: str) -> None:
    raw = XES.encode()
    found = read(write(tmp_path, name, gzip.compress(raw) if name.endswith(".gz") else raw))
    assert data(found) == [
        {
            "case": "order-1",
            "case:amount": 7,
            "activity": "Place & pay",
            "time": "2026-01-02T03:04:05.000+01:00",
            "lifecycle": "complete",
            "org:resource": "Ann",
            "price": 1.5,
            "paid": True,
            "huge": "99999999999999999999",
            "items": ["a", 2],
            "event:case": "hidden",
        },
        {"case": "order-1", "case:amount": 7, "activity": "Ship"},
        {"activity": "Lost"},
    ]
    assert [(record.number, record.line) for record in found] == [(0, 10), (1, 20), (2, 22)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xes", '<!DOCTYPE log [<!ENTITY a "aaaa">]><log>&a;</log>', "line 1: a document type"),
        ("a.xes", "<log>\n<trace>\n</log>", "line 3: broken XES"),
        ("a.xes", "<html></html>", "the root element is <html>"),
        ("a.xes", "<log>" + "<list>" * 100, "nested deeper"),
        ("a.xes", "<log>&undefined;</log>", "line 1: broken XES"),
        ("a.csv", "a,b,a\n1,2,3\n", "line 1: the column 'a' comes twice"),
        ("a.csv", b"\xfc,b\n", "line 1: the header is not UTF-8"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "line 1: the text is UTF-16"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16"), "line 1: the text is UTF-16"),
        ("a.json", '[\n{"a": 1}\n]\n', "line 1: one JSON document"),
        ("a.bin", b"\x00\x01\x02", "neither the name nor the first bytes"),
        ("a.jsonl", gzip.compress(b'{"a": 1}\n' * 1000, mtime=0)[:-20], "broken gzip"),
        ("a.xes.gz", gzip.compress(XES.encode(), mtime=0)[:-20], "broken gzip"),
        ("a.jsonl.gz", b"\x1f\x8b nothing of the kind", "broken gzip"),
    ],
)
def test_a_file_that_is_not_what_it_claims(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InvalidInput) as raised:
        read(path)
    assert said in raised.value.message
    assert str(path) in raised.value.message


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInput, match="directory"):
        read(tmp_path)
    with pytest.raises(InvalidInput, match="unknown log format 'xml'"):
        read(write(tmp_path, "a.jsonl", ""), "xml")


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sources.logs.MAX_LINE", 1000)
    path = write(tmp_path, "a.jsonl", b"{}\n" + b"x" * 5000)
    with pytest.raises(InvalidInput, match="line 2: a line of more than"):
        read(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("a;b\n1;2\n", {"a": "1", "b": "2"}), ('  {"a": 1}', {"a": 1}), (XES, None)],
    ids=["csv", "jsonl", "xes"],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_kind_is_told_by_the_first_bytes(tmp_path: Path, content: str, expected: Any, zipped: bool) -> None:
    raw = content.encode()
    found = read(write(tmp_path, "export.dat", gzip.compress(raw) if zipped else raw))
    assert found
    assert expected is None or data(found) == [expected]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(2000):
            file.write(b'{"a": "' + b"x" * 10_000 + b'"}\n')
    tracemalloc.start()
    try:
        assert sum(1 for _ in records(path)) == 2000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_following(tmp_path: Path) -> None:
    path = write(tmp_path, "log.jsonl", '{"n": 1}\n{"n"')
    growing: Iterator[Record | None] = iter(records(path, follow=True))
    assert next(growing) == Record(0, 1, b'{"n": 1}', "application/json")
    assert next(growing) is None
    with path.open("a") as file:
        file.write(': 2}\n{"n": 3}\n')
    assert [next(growing) for _ in range(3)] == [
        Record(1, 2, b'{"n": 2}', "application/json"),
        Record(2, 3, b'{"n": 3}', "application/json"),
        None,
    ]
    path.rename(tmp_path / "log.jsonl.1")
    assert next(growing) is None, "the new file is not there yet"
    write(tmp_path, "log.jsonl", '{"n": 4}\n')
    assert list(growing) == []


def test_following_notices_that_a_file_was_cut(tmp_path: Path) -> None:
    path = write(tmp_path, "log.jsonl", '{"n": 1}\n' * 10)
    growing = records(path, follow=True)
    assert [next(growing) is None for _ in range(11)] == [False] * 10 + [True]
    path.write_text("")
    assert list(growing) == []


def test_following_csv(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "")
    growing = records(path, follow=True)
    assert next(growing) is None
    with path.open("a") as file:
        file.write('a,b\n1,"2"\n3,"fo')
    first = next(growing)
    assert first is not None
    assert json.loads(first.body) == {"a": "1", "b": "2"}
    assert next(growing) is None
    with path.open("a") as file:
        file.write("ur\n")
    second = next(growing)
    assert second is not None
    assert second.content_type == "text/csv", "a row over several lines could be half written"


def test_only_plain_lines_can_be_followed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can be followed"):
        next(records(write(tmp_path, "a.jsonl.gz", gzip.compress(b"{}\n")), follow=True))


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.lists(text, min_size=2, max_size=2), max_size=20))
def test_any_csv_the_standard_library_writes_is_read_back(rows: list[list[str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(["left", "right"])
            writer.writerows(rows)
        assert data(read(path)) == [{"left": a or None, "right": b or None} for a, b in rows]


def test_fingerprint_is_stable_and_small() -> None:
    assert fingerprint(b'{"a": 1}') == fingerprint(b'{"a": 1}')
    assert 0 <= fingerprint(b"\xff" * 100) < 2**31
    assert fingerprint(b"a") != fingerprint(b"b")


def test_starts_without_the_heavy_libraries() -> None:
    script = "import sys, monitor.sources.logs; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"asyncio", "pydantic", "aiokafka", "aio_pika", "lxml", "gzip"} & set(loaded)
