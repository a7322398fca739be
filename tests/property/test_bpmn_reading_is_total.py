"""Whatever the bytes: a document, or ModelError. Every problem carries file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.bpmn.document import Document
from monitor.bpmn.read import read
from monitor.bpmn.validate import validate
from monitor.errors import ModelError
from tests.support.effort import examples

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "tests/models")
SOURCES = [file.read_bytes() for folder in FOLDERS for file in sorted((ROOT / folder).glob("*.bpmn"))]
TOKENS = [
    b"<", b">", b"/>", b'"', b"&", b"&amp;", b"\0", b"\xff", b"<!DOCTYPE a>", b"<![CDATA[", b"]]>", b"<!--",
    b"id=", b'id="x"', b"sourceRef", b"attachedToRef", b"<task/>", b"</process>", b"startEvent",
    b"subProcess", b":", b"#2", b"\xef\xbb\xbf", b"lane", b"-1", b"NaN", b"extensionElements",
    b"eventDefinitionRef",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real file with a few places overwritten, cut out, doubled or filled with markup."""
    raw = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 60)))
        kind = draw(st.sampled_from(["token", "bytes", "cut", "double"]))
        if kind == "token":
            raw[at:at] = draw(st.sampled_from(TOKENS))
        elif kind == "bytes":
            raw[at:to] = draw(st.binary(max_size=8))
        elif kind == "cut":
            del raw[at:to]
        else:
            raw[at:at] = raw[at:to]
    return bytes(raw)


@st.composite
def swapped(draw: st.DrawFn) -> bytes:
    """A real file, still well-formed, in which words (ids, tags, attributes) are exchanged for others."""
    raw = draw(st.sampled_from(SOURCES))
    words = sorted({word for word in raw.replace(b'"', b" ").replace(b"<", b" ").split() if word.isalnum()})
    for _ in range(draw(st.integers(1, 4)) if words else 0):
        raw = raw.replace(
            draw(st.sampled_from(words)), draw(st.sampled_from(words)), draw(st.integers(-1, 3))
        )
    return raw


def _holds(source: bytes) -> Document | None:
    try:
        document = read(source, "m.bpmn")
    except ModelError:
        return None
    for problem in (*document.problems, *validate(document)):
        assert problem.place.file == "m.bpmn"
        assert problem.place.line > 0
    ids = [node.id for process in document.processes for node in process.walk()]
    assert len(ids) == len(set(ids))
    return document


@examples(120)
@given(mutated())
def test_mutated_bytes(source: bytes) -> None:
    _holds(source)


@examples(120)
@given(swapped())
def test_swapped_words(source: bytes) -> None:
    _holds(source)


@examples(100)
@given(st.binary(max_size=200))
def test_any_bytes(source: bytes) -> None:
    assert _holds(source) is None


@pytest.mark.parametrize("source", SOURCES[:3])
def test_every_prefix_of_a_file(source: bytes) -> None:
    for length in range(0, len(source) - 30, max(1, len(source) // 200)):
        assert _holds(source[:length]) is None
