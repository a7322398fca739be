"""A BPMN file in the making."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr


class Sheet:
    """One file in the making. Elements are written into the process, shapes and edges into its diagram."""

    def __init__(self, plane: str = "p", process: str = "") -> None:
        self._plane = plane
        self._process_attributes = process
        self._content: list[str] = []
        self._around: list[str] = []
        self._drawn: list[str] = []

    def put(self, xml: str) -> None:
        """Into the process."""
        self._content.append(xml)

    def beside(self, xml: str) -> None:
        """Beside the process, at the top."""
        self._around.append(xml)

    def node(
        self, id_: str, type_: str, at: tuple[float, float, float, float], inside: str = "", **attributes: str
    ) -> None:
        self.put(element(type_, id_, inside, **attributes))
        self.shape(id_, *at)

    def shape(
        self, id_: str, x: float, y: float, width: float, height: float, label: str = "", **attributes: str
    ) -> None:
        said = "".join(f" {name.replace('__', ':')}={quoteattr(value)}" for name, value in attributes.items())
        bounds = f'<dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}"/>'
        self._drawn.append(
            f'<bpmndi:BPMNShape id="{attributes.get("di", id_ + "_di")}" bpmnElement="{id_}"{said}>'
            f"{bounds}{label}</bpmndi:BPMNShape>"
        )

    def edge(self, id_: str, *points: tuple[float, float], **attributes: str) -> None:
        said = "".join(f" {name.replace('__', ':')}={quoteattr(value)}" for name, value in attributes.items())
        way = "".join(f'<di:waypoint x="{x}" y="{y}"/>' for x, y in points)
        self._drawn.append(
            f'<bpmndi:BPMNEdge id="{id_}_di" bpmnElement="{id_}"{said}>{way}</bpmndi:BPMNEdge>'
        )

    def xml(self, *, drawn: bool = True) -> bytes:
        """The file, or the same without its diagram."""
        diagram = (
            f'<bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="{self._plane}">'
            f"{''.join(self._drawn)}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
        )
        process = f'<process id="p"{self._process_attributes}>{"".join(self._content)}</process>'
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<definitions'
            ' xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
            ' xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"'
            ' xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
            ' xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
            ' xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0"'
            ' xmlns:color="http://www.omg.org/spec/BPMN/non-normative/color/1.0"'
            ' targetNamespace="urn:notation">\n'
            f"{''.join(self._around)}{process if self._content else ''}{diagram if drawn else ''}"
            "</definitions>"
        ).encode()


def element(tag: str, id_: str, inside: str = "", **attributes: str) -> str:
    said = "".join(f" {name.rstrip('_')}={quoteattr(value)}" for name, value in attributes.items())
    return f'<{tag} id="{id_}"{said}>{inside}</{tag}>'
