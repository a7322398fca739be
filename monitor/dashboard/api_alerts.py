"""Alerts, silences, receivers and messages below ``/api/v1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.alerts.base import Alert
from monitor.dashboard import alert_desk, alert_requests, parameters
from monitor.dashboard.alert_requests import desk_of
from monitor.dashboard.answers import answer
from monitor.dashboard.forms import json_of
from monitor.dashboard.guard import who
from monitor.dashboard.pages import receivers as receiver_pages
from monitor.dashboard.pages.alerts import alert_filter
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Handler, Site
from monitor.dashboard.stored import fields_of
from monitor.storage.alerting import AlertRow, AttemptRow, MemberRow, SilenceRow


async def alerts(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    found = await desk_of(site).store.alerts(alert_filter(request.query_params), part.cursor, part.limit)
    return answer({"items": [_alert(row) for row in found.rows], "next": found.next})


async def alert(site: Site, request: Request) -> Response:
    detail = await alert_requests.detail_of(site, request)
    return answer(
        {
            **_alert(detail.row),
            "groups": [_member(one) for one in detail.members],
            "notifications": [
                {**fields_of(row), "tries": _attempts(detail.attempts.get(row.id, ()))}
                for row in detail.notifications
            ],
        }
    )


async def silences(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    over = parameters.yes_or_no(request.query_params, "over") or False
    found = await desk_of(site).store.silences(part.cursor, part.limit, over=over, now=site.now())
    return answer({"items": [_silence(row) for row in found.rows], "next": found.next})


async def receivers(site: Site, _: Request) -> Response:
    items = [
        {
            "name": name,
            "kind": kind,
            "disabled": row.disabled if row else None,
            "reason": row.reason if row else None,
            "failing": row.failing if row else None,
            "sent": row.sent if row else None,
            "waiting": row.waiting if row else 0,
            "oldest": row.oldest if row else None,
        }
        for name, kind, row in await alert_requests.receiver_rows(site)
    ]
    return answer({"items": items, "next": None})


async def notifications(site: Site, request: Request) -> Response:
    part = parameters.slice_of(request.query_params)
    receiver = parameters.text(request.query_params, "receiver")
    found = await desk_of(site).store.notifications(receiver, part.cursor, part.limit)
    return answer({"items": [fields_of(row) for row in found.rows], "next": found.next})


async def notification(site: Site, request: Request) -> Response:
    desk = desk_of(site)
    number = parameters.identifier(request.path_params["id"], "message")
    found = await desk.store.notification(number, desk.external_url)
    if found is None:
        raise NotFound(f"There is no message {number}, or no longer.")
    row, sent, attempts = found
    told = [_told(one) for one in sent.alerts]
    return answer({**fields_of(row), "alerts": told, "tries": _attempts(attempts)})


async def acknowledge(site: Site, request: Request) -> Response:
    note = (await json_of(request)).get("note", "")
    if not isinstance(note, str):
        raise BadParameter("note is no text.", mend='Send {"note": "..."}, or {}.')
    await alert_requests.acknowledge(site, request, note)
    return answer({"alert": request.path_params["id"], "acknowledged": True})


async def resume(site: Site, request: Request) -> Response:
    await json_of(request)
    await alert_requests.acknowledge(site, request, None)
    return answer({"alert": request.path_params["id"], "acknowledged": False})


async def silence(site: Site, request: Request) -> Response:
    given = await json_of(request)
    for name, value in given.items():
        if not isinstance(value, str):
            raise BadParameter(f"{name} is no text.")
    desk = desk_of(site)
    wish = alert_desk.wish_of({name: str(value) for name, value in given.items()}, site.now())
    number = await desk.store.silence(
        wish.matchers, wish.starts, wish.ends, wish.comment, who(request), site.now()
    )
    return answer({"silence": number})


async def expire(site: Site, request: Request) -> Response:
    await json_of(request)
    number = parameters.identifier(request.path_params["id"], "silence")
    if not await desk_of(site).store.expire(number, who(request), site.now()):
        raise NotFound("This silence is over, or there is none such.")
    return answer({"silence": number})


async def enable(site: Site, request: Request) -> Response:
    await json_of(request)
    return answer({"receiver": await receiver_pages.try_again(site, request)})


async def test(site: Site, request: Request) -> Response:
    await json_of(request)
    return answer({"notification": await receiver_pages.send_sample(site, request)})


async def resend(site: Site, request: Request) -> Response:
    await json_of(request)
    return answer({"notification": await receiver_pages.send_again(site, request)})


def _alert(row: AlertRow) -> dict[str, Any]:
    return {
        **_told(row.alert),
        "state": alert_desk.state_of(row),
        "born": row.born,
        "updated": row.updated,
        "acknowledged": row.acknowledged,
        "acknowledged_by": row.acknowledged_by,
        "acknowledged_note": row.acknowledged_note,
    }


def _told(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "status": alert.status,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "trace": alert.trace,
        "finding": alert.finding,
    }


def _member(row: MemberRow) -> dict[str, Any]:
    muted = None if row.muted is None else {"why": row.muted.why.value, "by": row.muted.by}
    return {**fields_of(row), "labels": dict(row.labels), "muted": muted}


def _attempts(rows: Sequence[AttemptRow]) -> list[Mapping[str, Any]]:
    return [fields_of(row) for row in rows]


def _silence(row: SilenceRow) -> dict[str, Any]:
    return {**fields_of(row), "matchers": [str(matcher) for matcher in row.matchers]}


READ: tuple[tuple[str, Handler], ...] = (
    ("/alerts", alerts),
    ("/alerts/{id}", alert),
    ("/silences", silences),
    ("/receivers", receivers),
    ("/notifications", notifications),
    ("/notifications/{id}", notification),
)
CHANGE: tuple[tuple[str, Handler], ...] = (
    ("/alerts/{id}/acknowledge", acknowledge),
    ("/alerts/{id}/resume", resume),
    ("/silences", silence),
    ("/silences/{id}/expire", expire),
    ("/receivers/{name}/enable", enable),
    ("/receivers/{name}/test", test),
    ("/notifications/{id}/resend", resend),
)
"""Below ``/api/v1``."""
