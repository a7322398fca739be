"""What the reading passes share: where we are, what was found wrong, and what can be referred to by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import count

from monitor.bpmn.document import ACTIVITIES, EVENTS, GATEWAYS, ExtensionElement, Place, Problem, Severity
from monitor.bpmn.tree import BPMN, Element, one_line

NODES = ACTIVITIES | GATEWAYS | EVENTS
_NEED_ID = NODES | {"process", "collaboration", "participant", "lane", "sequenceFlow", "messageFlow"}


class Reading:
    """One file being read. ``elements`` maps each id to its element, once :meth:`census` has run."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.elements: dict[str, Element] = {}
        self._renames: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))

    def place(self, element: Element) -> Place:
        return Place(self.file, element.line)

    def report(self, severity: Severity, code: str, element: Element, message: str) -> None:
        name = one_line(element.get("name")) or None
        self.problems.append(Problem(severity, code, message, self.place(element), element.get("id"), name))

    def census(self, root: Element) -> None:
        """Give every element an id of its own.

        References lead to the first of several elements with one id; the others are renamed (``id#2``), so
        that nothing downstream takes two elements for one. Runs before anything looks at an id.
        """
        nameless = count(1)
        for element in model_elements(root):
            given = element.get("id")
            if given is None and element.tag in _NEED_ID:
                element.attributes["id"] = given = f"{element.tag}~{next(nameless)}"
                said = f"This {element.tag} has no id: give it one."
                self.report(Severity.WARNING, "missing-id", element, said)
            if given is None:
                continue
            if (first := self.elements.get(given)) is not None:
                self._rename(element, given, first)
            self.elements[element.attributes["id"].strip()] = element

    def _rename(self, element: Element, given: str, first: Element) -> None:
        element.attributes["id"] = next(
            other for number in self._renames[given] if (other := f"{given}#{number}") not in self.elements
        )
        self.problems.append(
            Problem(
                Severity.ERROR if element.tag in NODES else Severity.WARNING,
                "duplicate-id",
                f"The id is already taken by the {first.tag} in line {first.line}: give this {element.tag}"
                f" another one. It is read as {element.attributes['id']}; references lead to the first.",
                self.place(element),
                given,
                one_line(element.get("name")) or None,
            )
        )

    def find(self, reference: str | None) -> Element | None:
        """The element an id or a qualified name (``tns:id``) refers to; None when there is none."""
        if not reference:
            return None
        reference = reference.strip()
        return self.elements.get(reference) or self.elements.get(reference.rpartition(":")[2])

    def refer(
        self, element: Element, what: str, reference: str | None, tags: Collection[str]
    ) -> Element | None:
        """Follow ``reference`` (the ``what`` of ``element``) to an element of one of ``tags``, or say that it
        leads nowhere."""
        if not reference:
            return None
        found = self.find(reference)
        if found is not None and found.tag in tags:
            return found
        leads = f"leads to a {found.tag}" if found is not None else "leads nowhere"
        self.report(
            Severity.WARNING, "dangling-reference", element, f"{what} '{reference}' {leads}: it is ignored."
        )
        return None

    def check_children(self, element: Element, known: Collection[str]) -> None:
        """Say which BPMN children of ``element`` nobody will look at. Where they would be part of the flow, a
        verdict without them would be wrong."""
        in_flow = element.tag in FLOW_SCOPES
        for child in element.children:
            if child.namespace == BPMN and child.tag not in known:
                self.report(
                    Severity.ERROR if in_flow else Severity.WARNING,
                    "unknown-element",
                    child,
                    f"'{child.tag}' is not something BPMN 2.0 has inside a {element.tag}"
                    + ("." if in_flow else ": it is ignored."),
                )


FLOW_SCOPES = frozenset({"process", "subProcess", "transaction", "adHocSubProcess"})


def model_elements(root: Element) -> list[Element]:
    """All BPMN elements outside vendor extensions, in file order."""
    found, stack = [], [root]
    while stack:
        element = stack.pop()
        if element.namespace == BPMN and element.tag != "extensionElements":
            found.append(element)
            stack.extend(reversed(element.children))
    return found


def identifier(element: Element) -> str:
    """The element's id; empty where it has none and needs none."""
    return element.get("id") or ""


def documentation(element: Element) -> str:
    return "\n".join(text for child in element.all("documentation") if (text := child.content()))


def extensions(element: Element) -> tuple[ExtensionElement, ...]:
    """Vendor elements: what stands in ``extensionElements``, and foreign elements that stand loose."""
    wrapped = [child for holder in element.all("extensionElements") for child in holder.children]
    loose = [child for child in element.children if child.namespace != BPMN]
    return tuple(_extension(child) for child in wrapped + loose)


def _extension(element: Element) -> ExtensionElement:
    return ExtensionElement(
        element.namespace,
        element.tag,
        dict(element.attributes),
        element.text.strip(),
        tuple(_extension(child) for child in element.children),
    )


def foreign_attributes(element: Element) -> dict[str, str]:
    return {name: value for name, value in element.attributes.items() if name.startswith("{")}
