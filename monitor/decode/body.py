"""From a body's bytes to a value: content encodings, media types, character sets, JSON; all of it bounded."""

from __future__ import annotations

import base64
import codecs
import re
import zlib
from enum import Enum, auto
from typing import NamedTuple

import orjson

from monitor.domain.event import InboxReason, Json

SUPPORTED = (
    "CloudEvents 1.0 (structured, binary or batch; JSON) and plain JSON objects are read,"
    " as UTF-8 and with content encoding gzip or deflate"
)


class Unreadable(Exception):
    """Why a delivery, or one member of a batch, is no event. Never leaves the decoder, which makes a
    :class:`~monitor.domain.event.Misfit` of it."""

    def __init__(
        self,
        detail: str,
        mend: str = "",
        *,
        reason: InboxReason = InboxReason.UNDECODABLE,
        type: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.mend = mend
        self.reason = reason
        self.type = type


class Form(Enum):
    """What a content type says about the body. ``FOREIGN`` is not JSON: it can only be a CloudEvent's
    data, and ``REFUSED`` is a CloudEvents format other than JSON."""

    STRUCTURED = auto()
    BATCH = auto()
    JSON = auto()
    UNSAID = auto()
    TEXT = auto()
    FOREIGN = auto()
    REFUSED = auto()


class Media(NamedTuple):
    """A content type, read: ``essence`` is it without parameters, ``charset`` None where that is UTF-8."""

    form: Form
    essence: str | None = None
    charset: str | None = None


_PREFIX = "application/cloudevents"
_FOREIGN = re.compile(
    r"avro|proto|msgpack|messagepack|cbor|thrift|bson|x-java|pickle|zip|pdf|csv|urlencoded"
    r"|^(?:image|audio|video|multipart|font|model)/"
)
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_CHARSETS = frozenset(
    {
        "utf-16",
        "utf-16le",
        "utf-16be",
        "utf-32",
        "utf-32le",
        "utf-32be",
        "iso-8859-1",
        "latin1",
        "iso-8859-15",
    }
    | {"windows-1252", "cp1252"}
)


def media(content_type: str | None) -> Media:
    """Read a content type; unknown ones say nothing, and the body is tried as JSON."""
    if not content_type:
        return Media(Form.UNSAID)
    essence, _, parameters = content_type.strip('" ').partition(";")
    essence = essence.strip().lower()
    charset = _charset(parameters)
    if essence.startswith(_PREFIX):
        kind = essence[len(_PREFIX) :]
        if kind in ("+json", ""):
            return Media(Form.STRUCTURED, essence, charset)
        return Media(Form.BATCH if kind in ("-batch+json", "-batch") else Form.REFUSED, essence, charset)
    if essence.endswith(("/json", "+json")):
        return Media(Form.JSON, essence, charset)
    if _FOREIGN.search(essence):
        return Media(Form.FOREIGN, essence, charset)
    if essence.startswith("text/") or essence.endswith(("/xml", "+xml")):
        return Media(Form.TEXT, essence, charset)
    return Media(Form.UNSAID, essence, charset)


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            value = value.strip().strip('"').lower()
            return None if value in _UTF8 else value
    return None


_NO_ENCODING = frozenset({"identity", "binary", "8bit", "7bit", "none", *_UTF8, *_CHARSETS})
"""Some AMQP clients put the character set, or what mail calls an encoding, in ``content_encoding``."""


def unpack(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo ``content_encoding`` (a list, last applied last). Raises Unreadable: unknown encoding, broken
    data, or more than ``limit`` bytes, which are then not even made."""
    for encoding in reversed(content_encoding.lower().split(",")):
        encoding = encoding.strip()
        if not encoding or encoding in _NO_ENCODING:
            continue
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise Unreadable(f"content encoding {_shown(encoding)} is not supported", SUPPORTED + ".")
        try:
            body = _inflated(body, limit)
        except zlib.error as error:
            raise Unreadable(f"the body is not valid {encoding}: {error}") from error
    return body


def _inflated(body: bytes, limit: int) -> bytes:
    # gzip or zlib, by their headers; some senders mean raw deflate when they say "deflate"
    raw = body[:2] != b"\x1f\x8b" and (len(body) < 2 or body[0] & 0x0F != 8 or (body[0] << 8 | body[1]) % 31)
    window = -zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32
    parts: list[bytes] = []
    room = limit
    while body:
        inflater = zlib.decompressobj(window)
        part = inflater.decompress(body, room + 1)
        if len(part) > room:
            raise Unreadable(
                f"the body unpacks to more than {limit} bytes",
                "Raise the limit of unpacked bytes if such messages are expected.",
                reason=InboxReason.OVERSIZED,
            )
        if not inflater.eof:
            raise Unreadable("the compressed body ends too early")
        parts.append(part)
        room -= len(part)
        body = inflater.unused_data.lstrip(b"\0")  # a gzip file may have several members, and padding
    return b"".join(parts)


def parse(raw: bytes, charset: str | None, max_depth: int) -> Json:
    """The JSON value of ``raw``. Raises Unreadable: no JSON, NaN or Infinity, nested too deeply."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        value = _parsed_otherwise(raw, charset, error)
    # two scans over the bytes are cheaper than a walk over every value
    if raw.count(b"{") + raw.count(b"[") > max_depth and _deeper(value, max_depth):
        raise Unreadable(f"the JSON is nested more than {max_depth} levels deep")
    return value


def _parsed_otherwise(raw: bytes, charset: str | None, error: orjson.JSONDecodeError) -> Json:
    """JSON that is not plain UTF-8: a byte order mark, another character set, or the five bytes of a
    schema registry's JSON serialiser before it."""
    said = _told(raw, error)
    if not raw.strip():
        raise Unreadable("the body is empty", "Send the event as JSON.") from None
    registered = raw[0] == 0 and raw[5:6] in (b"{", b"[")
    if registered:
        text = raw[5:]
    else:
        encoding = _encoding(raw, charset)
        if encoding is None:
            raise Unreadable(said, _mend(raw)) from None
        try:
            text = raw.decode(encoding).encode()
        except UnicodeError as wrong:
            raise Unreadable(f"the body is not valid {encoding}: {wrong}") from None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as again:
        raise Unreadable(said if registered else _told(text, again), _mend(raw)) from None


def _told(raw: bytes, error: orjson.JSONDecodeError) -> str:
    if re.search(rb"[:,\[]\s*(?:NaN|-?Infinity)\b", raw):
        return "the body is no JSON: NaN and Infinity are not allowed in JSON"
    return f"the body is no JSON: {error}"


def _mend(raw: bytes) -> str:
    if raw[:1] == b"\0":
        return f"It looks like a schema registry's binary format (Avro or Protobuf). {SUPPORTED}."
    return SUPPORTED + "."


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _encoding(raw: bytes, charset: str | None) -> str | None:
    """The character set of JSON that is not UTF-8: by its mark, its zero bytes (RFC 4627), or as declared."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding
    zeros = "".join("-" if byte else "0" for byte in raw[:4])
    detected = {"-0-0": "utf-16-le", "0-0-": "utf-16-be", "-000": "utf-32-le", "000-": "utf-32-be"}.get(zeros)
    return detected or (charset if charset in _CHARSETS else None)


def _deeper(value: Json, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def payload(raw: bytes, content: Media, max_depth: int) -> Json:
    """A CloudEvent's data from its bytes: JSON as its value, text as text, all else as Base64 text.

    Raises Unreadable where the content type promises JSON and there is none.
    """
    if not raw:
        return None
    if content.form in (Form.JSON, Form.STRUCTURED, Form.BATCH):
        return parse(raw, content.charset, max_depth)
    if content.form is Form.UNSAID and content.essence is None:
        try:
            return parse(raw, content.charset, max_depth)
        except Unreadable:
            return _as_text(raw, content.charset)
    if content.form is Form.TEXT:
        return _as_text(raw, content.charset)
    return base64.b64encode(raw).decode("ascii")


def _as_text(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset if charset in _CHARSETS else "utf-8")
    except UnicodeError:
        return base64.b64encode(raw).decode("ascii")


def _shown(text: str) -> str:
    """A stranger's text, short enough for a sentence."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
