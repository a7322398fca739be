"""Event logs in files: one record after the other, without asyncio, so that the command line starts quickly.

JSON Lines, CSV with a header row, and XES; each also gzipped. Reading is streamed: what is held in memory
is one record. A row that cannot be read is handed over as it stands, and decoding says what is wrong with
it; only a file that is not what it claims to be is an :class:`~monitor.errors.InvalidInput`.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson

from monitor.errors import InvalidInput
from monitor.sources.log_record import CLOUDEVENT, CLOUDEVENTS, CSV, JSON, MAX_LINE, Record
from monitor.sources.xes import xes

FORMATS = ("auto", "jsonl", "csv", "xes")

_BOM = b"\xef\xbb\xbf"
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".xes": "xes",
}


def records(path: str | Path, format: str = "auto", *, follow: bool = False) -> Iterator[Record | None]:
    """The records of a log file, in file order.

    ``format`` is one of :data:`FORMATS`; ``auto`` goes by the name, then by the first bytes. With
    ``follow`` the iterator never ends: None means that there is no further complete record just now.
    A file that was replaced or cut short ends the iterator, so that the caller can open it anew.

    Raises InvalidInput, naming file and line: no such file, unknown format, broken gzip or XML, text that
    is not UTF-8, an XES file with a document type.
    """
    path = Path(path)
    if format not in FORMATS:
        raise InvalidInput(f"{path}: unknown log format {format!r}", mend=f"Use one of {', '.join(FORMATS)}.")
    try:
        with path.open("rb") as raw:
            zipped = _peek(raw, 2) == b"\x1f\x8b"
            kind = _kind(path, raw, zipped) if format == "auto" else format
            if follow and (zipped or kind == "xes"):
                raise InvalidInput(
                    f"{path}: only plain JSON Lines and CSV files can be followed",
                    mend="Leave `follow` out: the file is then read once, to its end.",
                )
            stream = _unzip(raw) if zipped else raw
            if kind == "xes":
                yield from xes(path, stream)
            else:
                lines = _Lines(path, stream, follow)
                yield from _jsonl(lines) if kind == "jsonl" else _csv(lines)
    except OSError as error:
        if type(error).__name__ == "BadGzipFile":
            raise InvalidInput(f"{path}: broken gzip: {error}") from error
        raise InvalidInput(f"{path}: cannot be read: {error.strerror or error}") from error


def fingerprint(body: bytes) -> int:
    """A number (31 bits) for a file's content, from its first record: a file replaced under the same name
    (a rotated log, the next day's export) holds other messages, so its positions must be others too."""
    return zlib.crc32(body) & 0x7FFFFFFF


def _peek(raw: IO[bytes], size: int) -> bytes:
    head = raw.read(size)
    raw.seek(0)
    return head


def _unzip(raw: IO[bytes]) -> IO[bytes]:
    import gzip  # most logs are not zipped, and start-up counts

    return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]


def _kind(path: Path, raw: IO[bytes], zipped: bool) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    for suffix in reversed(suffixes):
        if suffix in _SUFFIXES:
            return _SUFFIXES[suffix]
        if suffix != ".gz":
            break
    try:
        head = (_unzip(raw) if zipped else raw).read(1024).removeprefix(_BOM).lstrip()
    except (EOFError, zlib.error) as error:
        raise InvalidInput(f"{path}: broken gzip: {error}") from error
    raw.seek(0)
    if head.startswith(b"<"):
        return "xes"
    if head.startswith((b"{", b"[")):
        return "jsonl"
    first = head.split(b"\n", 1)[0]
    if b"\0" not in head and any(mark in first for mark in (b",", b";", b"\t")):
        return "csv"
    raise InvalidInput(
        f"{path}: neither the name nor the first bytes tell what kind of log this is",
        mend="Name the format: jsonl, csv or xes.",
    )


class _Lines:
    """The lines of a file. Iterating gives text, for the CSV reader, and remembers the bytes until
    :meth:`take`. A followed file gives complete lines only, and one for each :meth:`take`: a row that
    spans lines could be caught half written."""

    def __init__(self, path: Path, stream: IO[bytes], follow: bool) -> None:
        self.path = path
        self.stream = stream
        self.follow = follow
        self.number = 0
        self.ended = False
        self._inode = path.stat().st_ino
        self._part = b""
        self._given: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.follow and self._given:
            raise StopIteration
        line = self.next()
        if not line:
            raise StopIteration
        self._given.append(line)
        return line.decode("utf-8", "surrogateescape")

    def next(self) -> bytes:
        """The next line with its end. Empty when there is none: for good if ``ended``, else for now."""
        try:
            line = self._part + self.stream.readline(MAX_LINE - len(self._part))
        except (EOFError, zlib.error) as error:
            raise InvalidInput(f"{self.path}, line {self.number + 1}: broken gzip: {error}") from error
        self._part = b""
        if line.endswith(b"\n"):
            self.number += 1
            return self._without_mark(line) if self.number == 1 else line
        if len(line) >= MAX_LINE:
            raise self.invalid(f"a line of more than {MAX_LINE >> 20} MiB", line=self.number + 1)
        if self.follow and not self._replaced():
            self._part = line
            return b""
        self.ended = not line
        self.number += bool(line)
        return self._without_mark(line) if self.number == 1 else line

    def take(self) -> bytes:
        """The lines given since the last call, as they stood in the file."""
        given, self._given = self._given, []
        return given[0] if len(given) == 1 else b"".join(given)

    def invalid(self, what: str, mend: str | None = None, line: int | None = None) -> InvalidInput:
        return InvalidInput(f"{self.path}, line {line or max(self.number, 1)}: {what}", mend=mend)

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self.invalid("the text is UTF-16", mend="Save the file as UTF-8.")
        return line.removeprefix(_BOM)

    def _replaced(self) -> bool:
        """Whether the path no longer leads to the end of the file we have open."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False  # between the two steps of a rotation
        return status.st_ino != self._inode or status.st_size < self.stream.tell()


def _jsonl(lines: _Lines) -> Iterator[Record | None]:
    while not lines.ended:
        line = lines.next()
        body = line.strip()
        if body:
            if lines.number == 1 and body in (b"[", b"{"):
                raise lines.invalid(
                    "one JSON document over several lines, not JSON Lines",
                    mend="Put every event on a line of its own, for instance with `jq -c '.[]'`.",
                )
            yield Record(lines.number - 1, lines.number, body, _json_type(body))
        elif not line and not lines.ended:
            yield None


def _json_type(body: bytes) -> str:
    if b'"specversion"' not in body:
        return JSON
    return CLOUDEVENTS if body.startswith(b"[") else CLOUDEVENT


def _csv(lines: _Lines) -> Iterator[Record | None]:
    head = lines.next()
    while not head and not lines.ended:
        yield None
        head = lines.next()
    if not head:
        return
    delimiter = max(b",;\t|", key=head.count)
    header = _header(lines, head, chr(delimiter))
    reader = csv.reader(lines, delimiter=chr(delimiter), strict=True)
    number = 0
    while True:
        line = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            if lines.ended:
                return
            yield None
            continue
        except csv.Error:
            row = None
        raw = lines.take()
        if row == [] or raw.isspace():
            continue
        body = _row(header, row)
        yield Record(number, line, body, JSON) if body else Record(number, line, raw.rstrip(b"\r\n"), CSV)
        number += 1


def _header(lines: _Lines, head: bytes, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([head.decode("utf-8")], delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise lines.invalid("the header is not UTF-8", mend="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise lines.invalid(f"the header cannot be read: {error}") from error
    header = [name.strip() or f"column_{place}" for place, name in enumerate(names, 1)]
    for name in header:
        if header.count(name) > 1:
            raise lines.invalid(
                f"the column {name!r} comes twice", mend="Give every column a name of its own."
            )
    if not header:
        raise lines.invalid("the header row is empty")
    return header


def _row(header: list[str], row: list[str] | None) -> bytes | None:
    """The row as a JSON object, an empty cell as null; None when it does not fit the header."""
    if row is None or len(row) != len(header):
        return None
    try:
        return orjson.dumps({name: cell or None for name, cell in zip(header, row, strict=True)})
    except TypeError:  # bytes that are no UTF-8
        return None
