"""BPMN 2.0 XML -> document. The only user of lxml.

A model comes from outside, so its XML is read with every door shut: no document type definition, no
entities, no network, and bounds on size, depth and number of elements that hold while it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lxml import etree

from monitor.bpmn.definitions import document
from monitor.bpmn.document import Document, Place
from monitor.bpmn.reading import Reading
from monitor.bpmn.tree import BPMN, Element
from monitor.errors import ModelError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much XML is taken: ``size`` in bytes, ``depth`` of nesting, number of ``elements``, ``attributes``
    of one element (which lxml takes quadratic time to list)."""

    size: int = 20 * 1024 * 1024
    depth: int = 200
    elements: int = 200_000
    attributes: int = 250


DEFAULT_LIMITS = Limits()
_CHUNK = 64 * 1024


class UnreadableModel(ModelError):
    """The file is not a BPMN 2.0 model. ``reason`` says why, ``place`` where."""

    def __init__(self, place: Place, reason: str, *, mend: str | None = None) -> None:
        super().__init__(f"{place}: {reason}", mend=mend)
        self.place = place
        self.reason = reason


def read_file(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read a BPMN file. Raises :class:`UnreadableModel`, also when the file cannot be opened."""
    return read(contents(path, limits), str(path), limits)


def contents(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The file's bytes, or one more than is taken. Raises :class:`UnreadableModel`."""
    try:
        with Path(path).open("rb") as opened:
            return opened.read(limits.size + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableModel(Place(str(path), 0), f"The file cannot be read: {reason}.") from error


def read(source: bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read a BPMN file's content; ``file`` is the name that problems carry.

    What is wrong inside a BPMN model is collected in ``Document.problems`` and the rest is read. Raises
    :class:`UnreadableModel` only for what is not BPMN 2.0 at all: not well-formed, another language, too big,
    or made to do harm.
    """
    root = _tree(_parse(source, file, limits))
    if (root.namespace, root.tag) != (BPMN, "definitions"):
        raise UnreadableModel(Place(file, root.line), _other_language(root))
    return document(Reading(file), root)


# XML with every door shut


def _parse(source: bytes, file: str, limits: Limits) -> etree._Element:
    """Parse in pieces, so that a limit stops the work as soon as it is passed."""
    if len(source) > limits.size:
        raise UnreadableModel(Place(file, 0), f"The file is larger than {limits.size} bytes.")
    _refuse_other_formats(source, file)
    parser = etree.XMLPullParser(
        events=("start", "end"),
        encoding="utf-8" if _is_misdeclared(source) else None,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    gauge = _Gauge(file, limits)
    try:
        for start in range(0, len(source), _CHUNK):
            parser.feed(source[start : start + _CHUNK])
            for event, element in cast("Iterator[tuple[str, etree._Element]]", parser.read_events()):
                gauge.take(event, element)
        return parser.close()
    except etree.LxmlError as error:
        raise _malformed(error, file, limits) from error


class _Gauge:
    """Holds the limits against the elements as they come out of the parser."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._depth = self._elements = 0

    def take(self, event: str, element: etree._Element) -> None:
        if event == "end":
            self._depth -= 1
            return
        self._depth += 1
        self._elements += 1
        if self._elements == 1 and element.getroottree().docinfo.internalDTD is not None:
            raise _refused_doctype(Place(self._file, 1))
        if self._depth > self._limits.depth:
            raise _too_deep(Place(self._file, _line(element)), self._limits)
        if self._elements > self._limits.elements:
            place = Place(self._file, _line(element))
            raise UnreadableModel(place, f"The file has more than {self._limits.elements} elements.")
        if len(element.attrib) > self._limits.attributes:
            place = Place(self._file, _line(element))
            raise UnreadableModel(place, f"An element has more than {self._limits.attributes} attributes.")


def _line(element: etree._Element) -> int:
    return int(getattr(element, "sourceline", 0) or 0)


def _too_deep(place: Place, limits: Limits) -> UnreadableModel:
    return UnreadableModel(place, f"Elements are nested more than {limits.depth} deep.")


_DOCTYPE = re.compile(r"<!DOCTYPE(\s+html\b)?", re.IGNORECASE)
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_UTF_8_BOM = b"\xef\xbb\xbf"
_SAYS_UTF_16 = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?:utf-?16|ucs-?2|unicode)""", re.IGNORECASE)


def _refuse_other_formats(source: bytes, file: str) -> None:
    """What can be told from the first bytes, before a parser sees them."""
    place = Place(file, 1)
    head = source.lstrip()[:2]
    if source.startswith(b"PK"):
        raise UnreadableModel(place, "This is a ZIP archive, not BPMN XML: export the model as BPMN 2.0.")
    if head[:1] in (b"{", b"["):
        raise UnreadableModel(place, "This is JSON, not BPMN XML: export the model as BPMN 2.0.")
    if not head:
        raise UnreadableModel(place, "The file is empty.")
    text = _decoded_start(source)
    prolog = _PROLOG.match(text)
    doctype = _DOCTYPE.match(text, prolog.end()) if prolog is not None else None
    if prolog is not None and doctype is not None:
        if doctype[1]:
            raise UnreadableModel(place, _exported("an HTML page"))
        raise _refused_doctype(Place(file, text.count("\n", 0, prolog.end()) + 1))


def _decoded_start(source: bytes) -> str:
    """The beginning of the file, decoded well enough to see its markup."""
    start = source[:_CHUNK]
    if start.startswith(b"\xfe\xff") or start.startswith(b"\0<"):
        return start.decode("utf-16-be", "replace").lstrip("\ufeff")
    if start.startswith(b"\xff\xfe") or start[1:2] == b"\0":
        return start.decode("utf-16-le", "replace").lstrip("\ufeff")
    return start.decode("utf-8", "replace").lstrip("\ufeff")


def _is_misdeclared(source: bytes) -> bool:
    """Whether the file says UTF-16 in plain bytes: programs that save a string in UTF-8 leave it so."""
    return _SAYS_UTF_16.match(source.removeprefix(_UTF_8_BOM)) is not None


def _refused_doctype(place: Place) -> UnreadableModel:
    return UnreadableModel(
        place, "The file has a document type definition (DOCTYPE), which is not read: remove it."
    )


def _malformed(error: etree.LxmlError, file: str, limits: Limits) -> UnreadableModel:
    line = getattr(error, "lineno", None) or 1
    said = (getattr(error, "msg", None) or str(error) or "it ends too early").split(", line ")[0]
    if "Excessive depth" in said:
        return _too_deep(Place(file, line), limits)
    if "amplification" in said:  # entities, in a type definition behind more space than is looked through
        return _refused_doctype(Place(file, line))
    return UnreadableModel(Place(file, line), f"This is not well-formed XML: {said}.")


def _tree(root: etree._Element) -> Element:
    """lxml's tree as plain values, without recursion."""
    made: list[Element] = []
    for event, source in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            element = _element(source)
            if made:
                made[-1].children.append(element)
            made.append(element)
        elif len(made) > 1:
            made.pop()
            made[-1].text += source.tail or ""
    return made[0]


def _element(source: etree._Element) -> Element:
    name = etree.QName(source)
    return Element(
        name.namespace or "",
        name.localname,
        _line(source),
        {str(key): str(value) for key, value in source.attrib.items()},
        source.text or "",
    )


# What it is when it is not BPMN 2.0

_LANGUAGES = (
    ("http://schema.omg.org/spec/BPMN/2.0", "a draft of BPMN 2.0"),
    ("http://www.omg.org/bpmn20", "a draft of BPMN 2.0"),
    ("http://www.omg.org/spec/BPMN/", "another version of BPMN"),
    ("http://stp.eclipse.org/bpmn", "BPMN 1.x (Eclipse)"),
    ("http://bpmn.org", "BPMN 1.x"),
    ("http://www.wfmc.org/", "XPDL"),
    ("http://www.omg.org/spec/DMN/", "a DMN decision model"),
    ("https://www.omg.org/spec/DMN/", "a DMN decision model"),
    ("http://www.omg.org/spec/CMMN/", "a CMMN case model"),
    ("http://docs.oasis-open.org/wsbpel/", "BPEL"),
    ("http://schemas.xmlsoap.org/ws/2003/03/business-process/", "BPEL"),
    ("http://schemas.xmlsoap.org/wsdl/", "WSDL"),
    ("http://www.pnml.org/", "a Petri net (PNML)"),
    ("http://www.w3.org/2000/svg", "an SVG picture"),
    ("http://www.w3.org/1999/xhtml", "an HTML page"),
    ("http://www.w3.org/2001/XMLSchema", "an XML schema"),
    ("http://www.xes-standard.org/", "an XES event log"),
)
_ROOTS = {
    "Package": "XPDL", "BpmnDiagram": "BPMN 1.x", "mxfile": "a draw.io drawing", "pnml": "a Petri net (PNML)",
    "log": "an XES event log", "html": "an HTML page", "svg": "an SVG picture", "epml": "an EPC (EPML)",
}  # fmt: skip


def _exported(language: str) -> str:
    return f"This is {language}, not BPMN 2.0: export the model as BPMN 2.0 XML."


def _other_language(root: Element) -> str:
    told = (name for prefix, name in _LANGUAGES if root.namespace.startswith(prefix))
    language = next(told, None) or _ROOTS.get(root.tag)
    if language and root.namespace != BPMN:
        return _exported(language)
    if root.tag == "definitions" and not root.namespace:
        return f'The BPMN elements have no namespace: declare xmlns="{BPMN}".'
    where = f" in the namespace '{root.namespace}'" if root.namespace else ""
    return f"This is not BPMN 2.0: the outermost element is '{root.tag}'{where}, not BPMN's 'definitions'."
