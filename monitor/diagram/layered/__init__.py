"""Layered left-to-right drawing of one directed graph: ranks -> order -> heights -> routes.

Knows nothing of BPMN: cells with a size, links between them, and optionally lanes.
"""

from monitor.diagram.layered.arrange import arrange
from monitor.diagram.layered.graph import Arrangement, Cell, Link

__all__ = ["Arrangement", "Cell", "Link", "arrange"]
