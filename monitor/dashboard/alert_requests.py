"""What the pages and the API of alerts share: which alert is meant, and taking care of it."""

from __future__ import annotations

from starlette.requests import Request

from monitor.dashboard.alert_desk import LONGEST_NOTE, AlertDesk
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site
from monitor.storage.alerting import AlertDetail, ReceiverRow


def desk_of(site: Site) -> AlertDesk:
    if site.alerts is None:
        raise NotFound("No alerts are kept here.")
    return site.alerts


def alert_id(request: Request) -> bytes:
    text = request.path_params["id"]
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise NotFound(f"There is no alert {text[:40]}.")
    return found


async def detail_of(site: Site, request: Request) -> AlertDetail:
    found = await desk_of(site).store.alert(alert_id(request))
    if found is None:
        raise NotFound(
            "There is no such alert, or no longer.",
            mend="Alerts that are over are kept for a while only (alerts.keep in the configuration).",
        )
    return found


async def acknowledge(site: Site, request: Request, note: str | None) -> None:
    """``note``: None lets it go again. An alert about a finding is acknowledged by that. Raises NotFound."""
    desk, alert = desk_of(site), (await detail_of(site, request)).row.alert
    name, now = who(request), site.now()
    if note is not None and len(note := note.strip()) > LONGEST_NOTE:
        raise BadParameter(f"The note is longer than {LONGEST_NOTE} characters.", mend="Shorten it.")
    if alert.trace is None or alert.finding is None:
        done = await desk.store.acknowledge(bytes.fromhex(alert.id), name, note, now)
    elif note is None:
        done = await desk.acknowledges.resume(alert.trace, alert.finding, name, now)
    else:
        done = await desk.acknowledges.acknowledge(alert.trace, alert.finding, name, note, now)
    if not done:
        raise NotFound("What this alert is about is over.", mend="Load the alert's page again.")


async def receiver_of(site: Site, request: Request) -> str:
    name: str = request.path_params["name"]
    if name not in desk_of(site).receivers:
        raise NotFound(f"There is no receiver {name[:40]}.")
    return name


async def receiver_rows(site: Site) -> list[tuple[str, str, ReceiverRow | None]]:
    """Those that are configured, by name and kind; None where no sweep has seen it yet."""
    desk = desk_of(site)
    known = {row.name: row for row in await desk.store.receivers()}
    return [(name, kind, known.get(name)) for name, kind in sorted(desk.receivers.items())]
