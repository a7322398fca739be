"""YAML as plain values that remember where they stood. Made for files that may be hostile.

Only plain data is built (no tags), booleans are ``true`` and ``false`` alone (so that ``on:`` is a key and
not a truth value), dates stay text, repeated keys are refused, aliases are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Place = tuple[str | int, ...]
"""Keys and list indices from the top of the document."""

MAX_BYTES = 1_048_576
MAX_NODES = 50_000
MAX_DEPTH = 40

_PREFIX = "tag:yaml.org,2002:"
_PLAIN = frozenset(_PREFIX + tag for tag in ("map", "seq", "str", "int", "float", "bool", "null"))


class _Loader(yaml.SafeLoader):
    """Composes nodes with YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_Loader.add_implicit_resolver(
    _PREFIX + "bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(_PREFIX + "null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    _PREFIX + "int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    _PREFIX + "float", re.compile(r"[-+]?(?:[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(_PREFIX + "merge", re.compile(r"<<$"), ["<"])


@dataclass(slots=True)
class Fault:
    """Something wrong with the file itself. ``line`` counts from 1."""

    line: int
    place: Place
    message: str


@dataclass(slots=True)
class Read:
    """``value`` is the document; ``lines`` the line each place begins on (mapping entries: of the key)."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class _TooMuch(Exception):
    """The document is larger, once its aliases are written out, than any configuration."""


def read_yaml(text: str) -> Read:
    """Parse one document. Everything wrong with it is among the faults; never raises."""
    read = Read()
    if len(text) > MAX_BYTES:
        read.faults.append(Fault(1, (), f"the file is larger than {MAX_BYTES} characters"))
        return read
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is not None:
            read.value = _Builder(read).build(node, (), frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        read.faults.append(Fault(mark.line + 1 if mark else 1, (), f"not valid YAML: {said}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        read.faults.append(Fault(line, (), f"not valid YAML: {error.reason}"))
    except RecursionError:
        read.faults.append(Fault(1, (), "nested too deeply"))
    except _TooMuch as error:
        read.faults.append(Fault(1, (), str(error)))
    return read


class _Builder:
    def __init__(self, read: Read) -> None:
        self.read = read
        self.nodes = 0

    def build(self, node: yaml.Node, place: Place, around: frozenset[int]) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(place) > MAX_DEPTH:
            raise _TooMuch("the document is too large or nested too deeply once its aliases are written out")
        self.read.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in around:
            self._fault(node, place, "an alias refers to something it is part of")
            return None
        around |= {id(node)}
        if node.tag not in _PLAIN:
            self._fault(node, place, f"the tag {node.tag} is not allowed here")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, around)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*place, number), around) for number, child in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place, around: frozenset[int]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PREFIX + "merge":
                for source in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                    value = self.build(source, place, around)
                    if isinstance(value, dict):
                        merged = {**value, **merged}
                    else:
                        self._fault(key_node, place, "<< needs a mapping")
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, place, "a key must be plain text")
                continue
            key = str(key_node.value)
            if key in built:
                self._fault(key_node, (*place, key), f"the key {key!r} is given twice")
                continue
            self.read.lines[(*place, key)] = key_node.start_mark.line + 1
            built[key] = self.build(value_node, (*place, key), around)
        return {**merged, **built}

    def _fault(self, node: yaml.Node, place: Place, message: str) -> None:
        self.read.faults.append(Fault(node.start_mark.line + 1, place, message))


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    match node.tag.removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case _:
            return text
