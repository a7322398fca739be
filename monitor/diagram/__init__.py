"""Diagrams as SVG: BPMN as people know it, with what a trace did drawn over it. Pure."""

from monitor.diagram.layout import layout
from monitor.diagram.overlay import Mark, Overlay, Timing
from monitor.diagram.render import render, stylesheet

__all__ = ["Mark", "Overlay", "Timing", "layout", "render", "stylesheet"]
