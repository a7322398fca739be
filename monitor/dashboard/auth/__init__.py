"""Who is at it, and whether they may. One table (``needs``) says which role each route needs; one gate stands
before every route and asks it."""

from monitor.dashboard.auth.gate import gated
from monitor.dashboard.auth.service import Auth

__all__ = ["Auth", "gated"]
