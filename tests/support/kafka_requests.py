"""What was said to Kafka: every request, in words that name the topics and groups it touches."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import aiokafka.protocol
from aiokafka.protocol.api import RequestStruct
from aiokafka.protocol.types import Int16, Int32, String, TaggedFields

_METADATA, _COORDINATOR = 3, 10
_LENGTH = 4


def _structs() -> dict[tuple[int, int], type[RequestStruct]]:
    for module in pkgutil.iter_modules(aiokafka.protocol.__path__):
        importlib.import_module(f"aiokafka.protocol.{module.name}")
    return {(one.API_KEY, one.API_VERSION): one for one in RequestStruct.__subclasses__()}


_STRUCTS = _structs()


def requests(sent: bytes) -> Iterator[tuple[type[RequestStruct], int, dict[str, Any]]]:
    """All whole requests: which, its correlation id, and its fields. A kind nobody knows is an error."""
    at = 0
    while at + _LENGTH <= len(sent):
        end = at + _LENGTH + int.from_bytes(sent[at : at + _LENGTH])
        if end > len(sent):  # a lost connection cut it off: it never reached the broker as a request
            return
        data = BytesIO(sent[at + _LENGTH : end])
        key, version, correlation = Int16.decode(data), Int16.decode(data), Int32.decode(data)
        String("utf-8").decode(data)
        struct = _STRUCTS[key, version]
        if struct.FLEXIBLE_VERSION:
            TaggedFields.decode(data)
        fields = struct.decode(data).to_object()
        assert not data.read(), f"{struct.__name__} says more than is understood"
        yield struct, correlation, fields
        at = end


def told(connections: Iterable[bytes | bytearray]) -> set[str]:
    return {_words(struct, fields) for sent in connections for struct, _, fields in requests(bytes(sent))}


def _words(struct: type[RequestStruct], fields: dict[str, Any]) -> str:
    name = struct.__name__.rpartition("Request_v")[0]
    said = sorted(set(_named(fields)))
    if struct.API_KEY == _METADATA and fields["topics"] and fields.get("allow_auto_topic_creation", True):
        said.append("and make them")
    return f"{name}: {', '.join(said)}" if said else name


def _named(value: object) -> Iterator[str]:
    """The names of topics and groups, wherever a request has them."""
    if isinstance(value, list | tuple):
        for member in value:
            yield from _named(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in ("topic", "topics", "topic_names") and not isinstance(member, dict):
                yield from _topics(member)
            elif name in ("group", "groups", "group_id", "consumer_group", "coordinator_key"):
                yield from (f"group {one}" for one in (member if isinstance(member, list) else [member]))
            else:
                yield from _named(member)


def _topics(value: object) -> Iterator[str]:
    match value:
        case str():
            yield f"topic {value}"
        case list() | tuple():
            for member in value:
                yield from _topics(member) if isinstance(member, str) else _named(member)


class ByTheProxy:
    """Brokers say where they are; whoever listens to them would go past the proxy. So their address is
    replaced in the answers that tell it, which are the same length afterwards."""

    def __init__(self, host: str, port: int, proxy: int) -> None:
        self._theirs = host.encode() + port.to_bytes(4)
        self._ours = host.encode() + proxy.to_bytes(4)
        self._pending = bytearray()
        self._asked: dict[int, int] = {}
        self._at = 0

    def answered(self, data: bytes, sent: bytearray) -> bytes:
        self._pending += data
        out = bytearray()
        while len(self._pending) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._pending[:_LENGTH])
            if len(self._pending) < end:
                break
            answer, self._pending = bytes(self._pending[:end]), self._pending[end:]
            self._note(sent)
            asked = self._asked.pop(int.from_bytes(answer[_LENGTH : 2 * _LENGTH]))
            telling = asked in (_METADATA, _COORDINATOR)
            out += answer.replace(self._theirs, self._ours) if telling else answer
        return bytes(out)

    def _note(self, sent: bytearray) -> None:
        """Which request has which correlation id, for those sent since."""
        while len(sent) >= self._at + 3 * _LENGTH:
            length, key, correlation = (
                int.from_bytes(sent[self._at + start : self._at + end])
                for start, end in ((0, 4), (4, 6), (8, 12))
            )
            self._asked[correlation] = key
            self._at += _LENGTH + length
