"""Event logs in XES (IEEE 1849), streamed: what is held in memory is one trace's attributes and one event."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

import orjson

from monitor.errors import InvalidInput
from monitor.sources.log_record import CHUNK, JSON, MAX_LINE, Record

_MAX_DEPTH = 64


def xes(path: Path, stream: IO[bytes]) -> Iterator[Record]:
    reader = _Xes(path)
    parser = reader.parser
    fed = 0
    try:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk, False)
            yield from reader.take()
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > MAX_LINE:
                raise InvalidInput(
                    f"{path}, line {parser.CurrentLineNumber}: a tag of more than {MAX_LINE >> 20} MiB"
                )
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InvalidInput(
            f"{path}, line {error.lineno}: broken XES: {expat.ErrorString(error.code)}"
        ) from error
    except (EOFError, zlib.error) as error:
        raise InvalidInput(f"{path}, line {parser.CurrentLineNumber}: broken gzip: {error}") from error
    yield from reader.take()


_STANDARD = {
    "concept:name": "activity",
    "time:timestamp": "time",
    "lifecycle:transition": "lifecycle",
}
_FIELDS = frozenset(("case", *_STANDARD.values()))


class _Xes:
    """Handlers for expat. An event becomes ``{"case", "activity", "time", "lifecycle", ...}``: its own
    attributes under their own names, those of its trace as ``case:<name>``, and those that would hide one of
    the four as ``event:<name>``. Attributes of attributes are left out, except the members of lists."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[str] = []
        self._found: list[Record] = []
        self._number = 0
        self._line = 0
        self._trace: dict[str, Any] = {}
        self._event: dict[str, Any] | None = None
        self._lists: list[list[Any]] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        # Without a document type there are no entities to expand and nothing to fetch.
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._value: dict[str, Callable[[str], Any]] = {
            "string": str,
            "date": str,
            "id": str,
            "int": _int,
            "float": _float,
            "boolean": lambda text: text.strip().lower() in ("true", "1"),
        }

    def take(self) -> list[Record]:
        found, self._found = self._found, []
        return found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        above = self._open
        if not above and name != "log":
            raise self._invalid(f"the root element is <{tag}>, not <log>")
        if len(above) >= _MAX_DEPTH:
            raise self._invalid(f"elements nested deeper than {_MAX_DEPTH}")
        if name == "event":
            self._event = {}
            self._line = self.parser.CurrentLineNumber
        elif name == "trace":
            self._trace = {}
        elif name in ("list", "container"):
            members: list[Any] = []
            self._keep(attributes.get("key", ""), members)
            self._lists.append(members)
        elif (read := self._value.get(name)) is not None:
            self._keep(attributes.get("key", ""), read(attributes.get("value", "")))
        above.append(name)

    def _keep(self, key: str, value: Any) -> None:
        parent = self._open[-1] if self._open else ""
        if parent == "event" and self._event is not None:
            self._event[_STANDARD.get(key) or (f"event:{key}" if key in _FIELDS else key)] = value
        elif parent == "trace":
            self._trace["case" if key == "concept:name" else f"case:{key}"] = value
        elif parent in ("list", "container", "values") and self._lists:
            self._lists[-1].append(value if parent != "container" else {key: value})

    def _end(self, _tag: str) -> None:
        name = self._open.pop()
        if name in ("list", "container") and self._lists:
            self._lists.pop()
        elif name == "event" and self._event is not None:
            body = orjson.dumps(self._trace | self._event)
            self._found.append(Record(self._number, self._line, body, JSON))
            self._number += 1
            self._event = None
        elif name == "trace":
            self._trace = {}

    def _refuse(self, *_: object) -> None:
        raise self._invalid("a document type is not accepted", mend="Remove the <!DOCTYPE ...> declaration.")

    def _invalid(self, what: str, mend: str | None = None) -> InvalidInput:
        return InvalidInput(f"{self._path}, line {self.parser.CurrentLineNumber}: {what}", mend=mend)


def _int(text: str) -> int | str:
    try:
        number = int(text)
    except ValueError:
        return text
    return number if -(2**63) <= number < 2**63 else text


def _float(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
