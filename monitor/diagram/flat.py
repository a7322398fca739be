"""A picture that needs no stylesheet: what ``diagram.css`` says, written onto each element.

Mail readers, office programs and SVG libraries know no CSS variables and few selectors. The subset of CSS
that ``diagram.css`` is written in is understood here: types, classes, attributes, ``:is``, ``:not``,
``:root``, descendants and children. Nothing is hovered over or focused; what ``@`` rules say is left out, so
colours are those of the light theme.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from lxml import etree

from monitor.diagram.render import stylesheet

_LOOKS = frozenset(
    {
        *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap"),
        *("stroke-linejoin", "opacity", "visibility", "font-family", "font-weight", "paint-order"),
    }
)
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_SIMPLE = re.compile(
    r"""(?P<type>\*|[A-Za-z][\w-]*)|\.(?P<cls>[\w-]+)|:(?P<pseudo>[\w-]+)(?P<open>\()?
    |\[(?P<attr>[\w-]+)(?:(?P<op>[*^$]?=)"(?P<value>[^"]*)")?\]""",
    re.VERBOSE,
)

Specificity = tuple[int, int]
"""Classes and the like, then types; there are no ids in the stylesheet."""

Matches = Callable[[etree._Element], bool]


@dataclass(frozen=True, slots=True)
class _Rule:
    order: tuple[Specificity, int]
    matches: Matches
    looks: tuple[tuple[str, str], ...]


def flattened(svg: str) -> str:
    """The picture without its style; what is drawn stays the same. ``svg``: as :func:`render` makes it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(svg.encode("utf-8", "replace"), parser)
    for style in list(root.iter("{*}style")):
        parent = style.getparent()
        if parent is not None:
            parent.remove(style)
    _Painter().paint(root)
    return etree.tostring(root, encoding="unicode")


class _Painter:
    """Elements of one kind within elements of the same kinds look the same, so it is worked out once."""

    def __init__(self) -> None:
        self._rules = _rules(stylesheet())
        self._known: dict[tuple[int, str, str, bool], tuple[int, dict[str, str]]] = {}

    def paint(self, root: etree._Element) -> None:
        """The element and all that is in it. Kinds are numbered; 0 is outside of everything."""
        waiting = [(root, 0)]
        while waiting:
            element, within = waiting.pop()
            focusable = "tabindex" in element.attrib
            kind = (within, etree.QName(element).localname, element.get("class", ""), focusable)
            if kind not in self._known:
                self._known[kind] = len(self._known) + 1, self._looks(element)
            number, looks = self._known[kind]
            for name, value in looks.items():
                element.set(name, value)
            waiting += [(child, number) for child in element if isinstance(child.tag, str)]

    def _looks(self, element: etree._Element) -> dict[str, str]:
        looks: dict[str, str] = {}
        for rule in self._rules:
            if rule.matches(element):
                looks.update(rule.looks)
        return looks


@cache
def _rules(css: str) -> tuple[_Rule, ...]:
    """In the order in which they apply: a later one overrides."""
    found: list[_Rule] = []
    variables: dict[str, str] = {}
    for number, (selectors, declarations) in enumerate(_blocks(css)):
        pairs = [(name.strip(), value.strip()) for name, _, value in _split(declarations)]
        if ".bpmn-diagram" in [selector.strip() for selector in selectors.split(",")]:
            variables |= {name: value for name, value in pairs if name.startswith("--")}
        looks = tuple((name, _resolved(value, variables)) for name, value in pairs if name in _LOOKS)
        if looks:
            for specificity, matches in _selectors(selectors):
                found.append(_Rule((specificity, number), matches, looks))
    return tuple(sorted(found, key=lambda rule: rule.order))


def _resolved(value: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda used: variables[used[1]], value)


def _split(declarations: str) -> Iterator[tuple[str, str, str]]:
    for declaration in declarations.split(";"):
        if ":" in declaration and "!" not in declaration:
            yield declaration.partition(":")


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of each rule that no condition is set to."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    start = depth = 0
    opened = 0
    for found in re.finditer(r"[{}]", css):
        if found[0] == "{":
            if depth == 0:
                opened = found.start()
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                selectors = css[start:opened].strip()
                if not selectors.startswith("@"):
                    yield selectors, css[opened + 1 : found.start()]
                start = found.end()


def _selectors(text: str) -> Iterator[tuple[Specificity, Matches]]:
    for selector in _outside_parentheses(text, ","):
        yield _complex(selector.strip())


def _outside_parentheses(text: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == separator:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _complex(selector: str) -> tuple[Specificity, Matches]:
    """Compounds with combinators: ``.judged .node.visited > .shape``."""
    specificity: Specificity = (0, 0)
    matches: Matches = _everything
    child = False
    first = True
    for part in _outside_parentheses(selector.replace(">", " > "), " "):
        if part == ">":
            child = True
        elif part:
            own, here = _compound(part)
            specificity = (specificity[0] + own[0], specificity[1] + own[1])
            matches = here if first else _below(matches, here, child)
            first = child = False
    return specificity, matches


def _everything(_: etree._Element) -> bool:
    return True


def _nothing(_: etree._Element) -> bool:
    return False


def _below(above: Matches, here: Matches, child: bool) -> Matches:
    def matches(element: etree._Element) -> bool:
        if not here(element):
            return False
        parent = element.getparent()
        if child:
            return parent is not None and above(parent)
        return any(above(ancestor) for ancestor in element.iterancestors())

    return matches


def _compound(text: str) -> tuple[Specificity, Matches]:
    """Conditions on one element: ``.node:not(.visited)``."""
    tests: list[Matches] = []
    classes = types = 0
    place = 0
    while place < len(text):
        found = _SIMPLE.match(text, place)
        if found is None:
            raise ValueError(f"the stylesheet has a selector that is not understood: {text}")
        place = found.end()
        if found["open"]:
            end = _closing(text, place)
            inner = list(_selectors(text[place:end]))
            place = end + 1
            most = max(each for each, _ in inner)
            classes, types = classes + most[0], types + most[1]
            tests.append(_function(found["pseudo"], [each for _, each in inner]))
        elif found["type"]:
            types += found["type"] != "*"
            tests.append(_of_type(found["type"]))
        else:
            classes += 1
            tests.append(_condition(found))
    return (classes, types), lambda element: all(test(element) for test in tests)


def _closing(text: str, place: int) -> int:
    depth = 1
    while True:
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
        place += 1


def _function(name: str, inner: list[Matches]) -> Matches:
    match name:
        case "is":
            return lambda element: any(each(element) for each in inner)
        case "not":
            return lambda element: not any(each(element) for each in inner)
        case _:  # :has is used with :hover only
            return _nothing


def _of_type(name: str) -> Matches:
    return _everything if name == "*" else lambda element: etree.QName(element).localname == name


def _condition(found: re.Match[str]) -> Matches:
    if name := found["cls"]:
        return lambda element: name in element.get("class", "").split()
    if found["attr"]:
        attribute, operator, value = found["attr"], found["op"], found["value"]
        match operator:
            case "*=":
                return lambda element: value in element.get(attribute, "")
            case "=":
                return lambda element: element.get(attribute) == value
            case _:
                return lambda element: attribute in element.attrib
    return (lambda element: element.getparent() is None) if found["pseudo"] == "root" else _nothing
