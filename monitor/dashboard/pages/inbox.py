"""The inbox: what could not be placed, in groups and one by one, and how it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.dashboard import body, parameters, words
from monitor.dashboard.auth.principal import may
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import NotFound
from monitor.dashboard.site import Site
from monitor.dashboard.stored import shown_headers
from monitor.domain.access import Role
from monitor.mending.base import Fate, Mends, Progress, Told, Trial
from monitor.settings import InvalidConfig
from monitor.storage.mending import InboxPart
from monitor.storage.views import InboxRow

GROUPS = 200
STEP_SECONDS = 3.0
"""How long one request works on a group before it says how far it has come."""

Fields = Mapping[str, str]


async def inbox(site: Site, request: Request) -> Response:
    wanted = parameters.inbox_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    groups = await site.views.inbox_groups(GROUPS + 1)
    return await site.page(
        request,
        "inbox.html",
        title="Inbox",
        section="inbox",
        groups=groups[:GROUPS],
        more_groups=len(groups) > GROUPS,
        found=await site.views.inbox(wanted.reason, wanted.type, part.cursor, part.limit, wanted.source),
        wanted=wanted,
        first_page=part.cursor is None,
    )


async def group(site: Site, request: Request) -> Response:
    part = parameters.inbox_part(request.query_params)
    slice_ = parameters.slice_of(request.query_params)
    mender = mender_of(site)
    divided, looked_at = await mender.parts(part)
    newest = await mender.newest(part)
    return await site.page(
        request,
        "inbox_group.html",
        title=f"{words.REASONS[part.reason]}: {part.type or 'type not known'}",
        section="inbox",
        part=part,
        messages=await mender.count(part),
        divided=divided,
        looked_at=looked_at,
        newest=newest,
        advice=await mender.advice(newest) if newest and may(request, Role.OPERATOR) else None,
        found=await site.views.inbox(part.reason, part.type or "", slice_.cursor, slice_.limit, part.source),
        first_page=slice_.cursor is None,
    )


# one message ----------------------------------------------------------------------------------------------


async def item(site: Site, request: Request) -> Response:
    return await _item(site, request, await find(site, request))


async def attempt(site: Site, request: Request, fields: Fields) -> Response:
    """What a rule would make of the message, and of others like it."""
    row = await find(site, request)
    rule = fields.get("rule", "")
    try:
        trial = await mender_of(site).attempt(row.id, rule)
    except InvalidConfig as error:
        return await _item(site, request, row, 400, rule=rule, problems=error.problems)
    if trial is None:
        raise _none(row.id)
    return await _item(site, request, row, rule=rule, trial=trial)


async def _item(site: Site, request: Request, row: InboxRow, status: int = 200, **changed: Any) -> Response:
    whole = may(request, Role.OPERATOR)
    if not whole:
        row = without_content(row)
    key = body.show(row.message_key) if row.message_key is not None else None
    as_bytes = request.query_params.get("view") == "hex"
    advice = await site.mender.advice(row.id) if site.mender is not None and whole else None
    trial: Trial | None = changed.pop("trial", None)
    shown: dict[str, Any] = {
        "rule": (advice.rule if advice is not None else None) or "",
        "problems": (),
        "tried": None if trial is None else trial.messages(),
        "more": 0 if trial is None else trial.more,
    }
    at = parameters.whole(request.query_params, "at")
    return await site.page(
        request,
        "inbox_item.html",
        title=f"Message {row.id}",
        section="inbox",
        status=status,
        item=row,
        advice=advice,
        mends=site.mender is not None and whole,
        whole=whole,
        as_bytes=as_bytes,
        shown=body.show_bytes(row.body, at) if as_bytes else body.show(row.body),
        page_bytes=body.HEX_BYTES,
        message_key=key,
        **{**shown, **changed},
    )


async def replay(site: Site, request: Request, _: Fields) -> Response:
    number = parameters.identifier(request.path_params["id"], "message")
    told = await mender_of(site).replay(number, who(request))
    return await _done(site, request, "replay", None, _alone(told), number)


async def discard_page(site: Site, request: Request) -> Response:
    row = await find(site, request)
    return await site.page(
        request,
        "inbox_discard.html",
        title=f"Discard message {row.id}?",
        section="inbox",
        item=row,
        part=None,
        messages=1,
    )


async def discard(site: Site, request: Request, _: Fields) -> Response:
    number = parameters.identifier(request.path_params["id"], "message")
    gone = await mender_of(site).discard(number, who(request))
    told = Told(number, Fate.DISCARDED if gone else Fate.GONE)
    return await _done(site, request, "discard", None, _alone(told), number)


# a group --------------------------------------------------------------------------------------------------


async def replay_group(site: Site, request: Request, fields: Fields) -> Response:
    part, progress = await told_by(site, fields)
    progress = await mender_of(site).replay_group(part, who(request), progress, STEP_SECONDS)
    return await _done(site, request, "replay", part, progress)


async def discard_group_page(site: Site, request: Request) -> Response:
    part = parameters.inbox_part(request.query_params)
    messages = await mender_of(site).count(part)
    title = f"Discard {words.count(messages, 'message')}?"
    return await site.page(
        request, "inbox_discard.html", title=title, section="inbox", item=None, part=part, messages=messages
    )


async def discard_group(site: Site, request: Request, fields: Fields) -> Response:
    part, progress = await told_by(site, fields)
    progress = await mender_of(site).discard_group(part, who(request), progress, STEP_SECONDS)
    return await _done(site, request, "discard", part, progress)


async def _done(
    site: Site,
    request: Request,
    action: str,
    part: InboxPart | None,
    progress: Progress,
    number: int | None = None,
) -> Response:
    """What became of it, and how to go on where it is not done."""
    remaining = 0
    if part is not None and not progress.is_done:
        remaining = await mender_of(site).remaining(part, progress)
    return await site.page(
        request,
        "inbox_done.html",
        title="Replayed" if action == "replay" else "Discarded",
        section="inbox",
        action=action,
        part=part,
        number=number,
        progress=progress,
        counts=[(fate.value, progress.counts[fate]) for fate in Fate if progress.counts[fate]],
        remaining=remaining,
    )


# shared with the API --------------------------------------------------------------------------------------


def mender_of(site: Site) -> Mends:
    if site.mender is None:
        raise NotFound(
            "The inbox can only be looked at here.", mend="Use the dashboard of a running monitor."
        )
    return site.mender


async def told_by(site: Site, given: Fields) -> tuple[InboxPart, Progress]:
    """The group a request is about and how far it has come: from where the one before says, else from the
    beginning."""
    part = parameters.inbox_part(given)
    until = parameters.whole(given, "until")
    if not until:
        return part, await mender_of(site).begin(part)
    progress = Progress(parameters.whole(given, "after"), until)
    for fate in Fate:
        if number := parameters.whole(given, fate.value):
            progress.counts[fate] = number
    return part, progress


async def find(site: Site, request: Request) -> InboxRow:
    number = parameters.identifier(request.path_params["id"], "message")
    row = await site.views.inbox_item(number)
    if row is None:
        raise _none(number)
    return replace(row, headers=shown_headers(row.headers))


def without_content(row: InboxRow) -> InboxRow:
    """A message as viewers see it. What it holds was sent without anybody having said that it may be kept, so
    that only those see it who have to mend it."""
    return replace(row, message_key=None, headers="{}", body=b"")


def _none(number: int) -> NotFound:
    return NotFound(
        f"There is no message {number} in the inbox.",
        mend="It was placed or discarded meanwhile: the audit says by whom; or kept for long enough.",
    )


def _alone(told: Told) -> Progress:
    progress = Progress(told.id, told.id, told=[told], is_done=True)
    progress.counts[told.fate] = 1
    return progress
