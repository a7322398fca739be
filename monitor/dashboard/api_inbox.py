"""The inbox and the audit below ``/api/v1``, with what changes them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import parameters
from monitor.dashboard.answers import answer, problem
from monitor.dashboard.auth.principal import may
from monitor.dashboard.forms import json_of
from monitor.dashboard.guard import who
from monitor.dashboard.pages.inbox import (
    GROUPS,
    STEP_SECONDS,
    find,
    mender_of,
    told_by,
    without_content,
)
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Handler, Site
from monitor.dashboard.stored import fields_of, shown_headers, stored_json
from monitor.domain.access import Role
from monitor.domain.audit import Audited
from monitor.domain.event import Observation
from monitor.mending.advice import Advice
from monitor.mending.base import As, Fate, Progress, Told, Tried
from monitor.settings import InvalidConfig
from monitor.storage.mending import InboxPart
from monitor.storage.views import InboxGroup, InboxRow


async def inbox(site: Site, request: Request) -> Response:
    wanted = parameters.inbox_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    found = await site.views.inbox(wanted.reason, wanted.type, part.cursor, part.limit, wanted.source)
    groups = await site.views.inbox_groups(GROUPS)
    return answer(
        {
            "groups": [_group(site, group) for group in groups],
            "items": [_item(row, may(request, Role.OPERATOR)) for row in found.rows],
            "next": found.next,
        }
    )


async def item(site: Site, request: Request) -> Response:
    row, whole = await find(site, request), may(request, Role.OPERATOR)
    advice = await site.mender.advice(row.id) if site.mender is not None and whole else None
    return answer(
        {
            **_item(row, whole),
            "body_base64": b64encode(row.body).decode() if whole else None,
            "advice": None if advice is None else _advice(advice),
        }
    )


async def body(site: Site, request: Request) -> Response:
    """The exact bytes, as something no browser opens."""
    row = await find(site, request)
    headers = {
        "Content-Disposition": f'attachment; filename="message-{row.id}.bin"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(row.body, headers=headers, media_type="application/octet-stream")


async def attempt(site: Site, request: Request) -> Response:
    number = parameters.identifier(request.path_params["id"], "message")
    rule = (await json_of(request)).get("rule")
    if not isinstance(rule, str):
        raise BadParameter(
            "rule is missing.", mend='Send the rule\'s YAML as a text: {"rule": "- match: ..."}.'
        )
    try:
        trial = await mender_of(site).attempt(number, rule)
    except InvalidConfig as error:
        problems = [{"line": one.line, "key": one.key, "message": one.message} for one in error.problems]
        return problem(400, "This cannot be used as a rule.", more={"problems": problems})
    if trial is None:
        raise NotFound(f"There is no message {number} in the inbox.")
    return answer({"items": [_tried(one) for one in trial.messages()], "more": trial.more})


async def replay(site: Site, request: Request) -> Response:
    given = await _given(request)
    mender = mender_of(site)
    if "id" in given:
        told = await mender.replay(parameters.whole(given, "id"), who(request))
        return answer(_alone(told))
    part, progress = await told_by(site, given)
    return await _so_far(site, part, await mender.replay_group(part, who(request), progress, STEP_SECONDS))


async def discard(site: Site, request: Request) -> Response:
    given = await _given(request)
    mender = mender_of(site)
    if "id" in given:
        number = parameters.whole(given, "id")
        gone = await mender.discard(number, who(request))
        return answer(_alone(Told(number, Fate.DISCARDED if gone else Fate.GONE)))
    part, progress = await told_by(site, given)
    return await _so_far(site, part, await mender.discard_group(part, who(request), progress, STEP_SECONDS))


async def audit(site: Site, request: Request) -> Response:
    action = parameters.text(request.query_params, "action")
    part = parameters.slice_of(request.query_params)
    found = await site.views.audit(action, part.cursor, part.limit)
    return answer({"items": [_entry(row) for row in found.rows], "next": found.next})


READ: tuple[tuple[str, Handler], ...] = (
    ("/inbox", inbox),
    ("/inbox/{id}", item),
    ("/inbox/{id}/body", body),
    ("/audit", audit),
)
CHANGE: tuple[tuple[str, Handler], ...] = (
    ("/inbox/{id}/try", attempt),
    ("/inbox/replay", replay),
    ("/inbox/discard", discard),
)


async def _given(request: Request) -> Mapping[str, str]:
    """The object's members as texts; a null is as good as absent."""
    given: dict[str, str] = {}
    for name, value in (await json_of(request)).items():
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise BadParameter(f"{name} is neither a text nor a number.")
            given[name] = str(value)
    return given


async def _so_far(site: Site, part: InboxPart, progress: Progress) -> Response:
    remaining = 0 if progress.is_done else await mender_of(site).remaining(part, progress)
    return answer(
        {
            "done": progress.is_done,
            "after": progress.after,
            "until": progress.until,
            "remaining": remaining,
            "counts": {fate.value: progress.counts[fate] for fate in Fate if progress.counts[fate]},
            "examples": [_told(one) for one in progress.told],
        }
    )


def _alone(told: Told) -> dict[str, Any]:
    return {
        "done": True,
        "after": told.id,
        "until": told.id,
        "remaining": 0,
        "counts": {told.fate.value: 1},
        "examples": [_told(told)],
    }


def _group(site: Site, group: InboxGroup) -> dict[str, Any]:
    near = site.mender.nearest(group.type) if site.mender is not None and group.type else ()
    return {**fields_of(group), "nearest": list(near)}


def _item(row: InboxRow, whole: bool) -> dict[str, Any]:
    if not whole:
        row = without_content(row)
    fields = {**fields_of(row), "headers": stored_json(shown_headers(row.headers))}
    del fields["body"]
    key: bytes | None = fields.pop("message_key")
    fields["message_key_base64"] = None if key is None else b64encode(key).decode()
    return fields


def _advice(advice: Advice) -> dict[str, Any]:
    paths = [
        {"path": one.spot.path, "value": one.spot.value, "key": one.key, "why": one.why}
        for one in advice.paths
    ]
    return {
        "reason": advice.reason,
        "detail": advice.detail,
        "candidates": [fields_of(one) for one in advice.candidates],
        "paths": paths,
        "rule": advice.rule,
        "setting": advice.setting,
        "note": advice.note,
    }


def _tried(one: Tried) -> dict[str, Any]:
    return {"id": one.id, "fate": one.fate, "detail": one.detail, "as": [_as(seen) for seen in one.seen]}


def _as(seen: As) -> dict[str, Any]:
    trace = None if seen.trace is None else {"id": seen.trace.id, "key": seen.trace.key}
    return {**_label(seen), "trace": trace}


def _told(one: Told) -> dict[str, Any]:
    return {
        "id": one.id,
        "fate": one.fate,
        "detail": one.detail,
        "as": [_label(seen) for seen in one.observations],
    }


def _label(seen: As | Observation) -> dict[str, Any]:
    return {"flow": seen.flow, "label": seen.label, "keys": [key._asdict() for key in seen.keys]}


def _entry(row: Audited) -> dict[str, Any]:
    return {**row._asdict(), "detail": stored_json(row.detail)}
