"""An XML tree as plain values: what ``read`` hands to the passes, so that only ``read`` knows lxml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"


@dataclass(slots=True)
class Element:
    """One XML element.

    ``attributes`` without namespace have their local name as key, others ``{namespace}name``. ``text`` is
    the element's own text, what stands between its children included. ``line`` counts from 1.
    """

    namespace: str
    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def get(self, attribute: str) -> str | None:
        """The attribute's value without blanks around it; None when missing or empty."""
        return self.attributes.get(attribute, "").strip() or None

    def flag(self, attribute: str, *, default: bool) -> bool:
        value = (self.get(attribute) or "").lower()
        return default if not value else value in ("true", "1")

    def all(self, *tags: str) -> Iterator[Element]:
        """Children of these tags in the element's own namespace, in file order."""
        return (child for child in self.children if child.tag in tags and child.namespace == self.namespace)

    def first(self, tag: str) -> Element | None:
        return next(self.all(tag), None)

    def walk(self) -> Iterator[Element]:
        """This element and everything below it, in file order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))

    def content(self) -> str:
        """All text at and below this element (formatted documentation), blanks trimmed."""
        return " ".join(part for part in (element.text.strip() for element in self.walk()) if part)

    def child_text(self, tag: str) -> str | None:
        """The text of the first such child; None when there is none or it is empty."""
        child = self.first(tag)
        return (child.text.strip() or None) if child is not None else None


def one_line(name: str | None) -> str:
    """A name as people mean it: line breaks and runs of blanks become one blank, ends trimmed."""
    return " ".join((name or "").split())
