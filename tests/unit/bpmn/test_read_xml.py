"""Reading XML: encodings as tools write them, other languages, and files made to do harm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from monitor.bpmn.read import Limits, UnreadableModel, read, read_file
from monitor.errors import ModelError

NS = "http://www.omg.org/spec/BPMN/20100524/MODEL"
MODELS = Path(__file__).parents[2] / "models"
MINIMAL = f'<definitions xmlns="{NS}"><process id="p"><task id="t" name="T"/></process></definitions>'


def refused(source: bytes | str, limits: Limits | None = None) -> UnreadableModel:
    raw = source.encode() if isinstance(source, str) else source
    with pytest.raises(UnreadableModel) as caught:
        read(raw, "m.bpmn", limits or Limits())
    assert isinstance(caught.value, ModelError)
    assert caught.value.place.file == "m.bpmn"
    assert str(caught.value).startswith("m.bpmn")
    return caught.value


@pytest.mark.parametrize("file", sorted(MODELS.glob("encoded-*.bpmn")), ids=lambda file: file.stem)
def test_encodings(file: Path) -> None:
    document = read_file(file)
    (process,) = document.processes
    assert process.id == "maße"
    assert [node.name for node in process.nodes] == ["Größe bestätigt", "fertig"]
    assert document.problems == ()


def test_the_corpus_has_all_encodings() -> None:
    assert len(list(MODELS.glob("encoded-*.bpmn"))) == 6


@pytest.mark.parametrize(
    "opening",
    [
        f'<definitions xmlns="{NS}">{{}}</definitions>',
        f'<b:definitions xmlns:b="{NS}">{{}}</b:definitions>',
        f'<semantic:definitions xmlns:semantic="{NS}" xmlns="urn:else">{{}}</semantic:definitions>',
    ],
)
def test_any_prefix(opening: str) -> None:
    prefix = opening[1 : opening.index("definitions")]
    content = f'<{prefix}process id="p"><{prefix}task id="t" name="T"/></{prefix}process>'
    document = read(opening.format(content).encode(), "m.bpmn")
    assert [node.id for node in document.processes[0].nodes] == ["t"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('<Package xmlns="http://www.wfmc.org/2008/XPDL2.1"/>', "XPDL"),
        ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>', "DMN"),
        ('<definitions xmlns="http://schema.omg.org/spec/BPMN/2.0"/>', "draft of BPMN 2.0"),
        ('<bpmn:BpmnDiagram xmlns:bpmn="http://stp.eclipse.org/bpmn"/>', "BPMN 1.x"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        ("<mxfile/>", "draw.io"),
        ("<definitions/>", "no namespace"),
        ('<thing xmlns="urn:some"/>', "'thing' in the namespace 'urn:some'"),
        (f'<process xmlns="{NS}"/>', "outermost element is 'process'"),
        ('{"elements": []}', "JSON"),
        (b"PK\x03\x04rest", "ZIP"),
        ("", "empty"),
        ("  \n ", "empty"),
        ("hello", "not well-formed"),
    ],
)
def test_what_is_not_bpmn_is_named(source: bytes | str, said: str) -> None:
    assert said in refused(source).reason


def test_malformed_xml_says_the_line() -> None:
    error = refused(f'<definitions xmlns="{NS}">\n<process id="p">\n</definitions>')
    assert error.place.line == 3
    assert "not well-formed" in error.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_doctype_is_refused_in_any_encoding(encoding: str) -> None:
    source = f'<?xml version="1.0"?>\n<!-- c -->\n<!DOCTYPE definitions [<!ENTITY x "y">]>{MINIMAL}'
    error = refused(source.encode(encoding))
    assert "DOCTYPE" in error.reason
    assert error.place.line == 3


def test_a_doctype_behind_a_long_comment_is_refused() -> None:
    assert (
        "DOCTYPE"
        in refused(f"<!--{'x' * 200_000}--><!DOCTYPE a SYSTEM 'file:///etc/passwd'>{MINIMAL}").reason
    )


def test_a_billion_laughs_are_not_laughed() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    began = time.monotonic()
    assert "DOCTYPE" in refused(f"<!DOCTYPE a [{entities}]><a>&l9;</a>").reason
    assert time.monotonic() - began < 2


def test_deep_nesting_is_refused_whatever_the_limit() -> None:
    deep = f'<definitions xmlns="{NS}">' + "<subProcess>" * 10_000
    for limits in (Limits(), Limits(depth=100_000)):
        assert "deep" in refused(deep, limits).reason


def test_nesting_within_the_limit_is_read() -> None:
    inner = "".join(f'<subProcess id="s{n}">' for n in range(150)) + "</subProcess>" * 150
    document = read(
        f'<definitions xmlns="{NS}"><process id="p">{inner}</process></definitions>'.encode(), "m"
    )
    assert len(list(document.processes[0].walk())) == 150


def test_size_and_number_of_elements_are_bounded() -> None:
    assert "larger than" in refused(b" " * (Limits().size + 1)).reason
    began = time.monotonic()
    many = f'<definitions xmlns="{NS}">\n' + "<task/>" * 600_000
    assert "more than 200000 elements" in refused(many).reason
    assert time.monotonic() - began < 20
    assert "more than 2 elements" in refused(MINIMAL, Limits(elements=2)).reason


def test_attributes_are_bounded() -> None:
    attributes = " ".join(f'a{n}="1"' for n in range(300_000))
    began = time.monotonic()
    assert "more than 250 attributes" in refused(f'<definitions xmlns="{NS}" {attributes}/>').reason
    assert time.monotonic() - began < 5


def test_a_file_larger_than_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    huge = tmp_path / "huge.bpmn"
    with huge.open("wb") as opened:
        opened.truncate(50 * 1024 * 1024)
    with pytest.raises(UnreadableModel, match="larger than"):
        read_file(huge)


def test_a_missing_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match="cannot be read: No such file"):
        read_file(tmp_path / "none.bpmn")
    with pytest.raises(UnreadableModel, match="cannot be read"):
        read_file(tmp_path)


def test_the_network_and_other_files_are_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<task id='stolen'/>")
    including = (
        f'<definitions xmlns="{NS}" xmlns:xi="http://www.w3.org/2001/XInclude"><process id="p">'
        f'<xi:include href="{secret.as_uri()}"/></process></definitions>'
    )
    (process,) = read(including.encode(), "m.bpmn").processes
    assert process.nodes == ()
    assert process.extensions[0].tag == "include"
