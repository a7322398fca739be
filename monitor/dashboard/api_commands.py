"""Corrective commands below ``/api/v1``: what is offered, what was sent, and asking for it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.commands.base import Attempt, Command, Message, Offer, Preview
from monitor.commands.declared import Item
from monitor.dashboard import command_words, parameters, words
from monitor.dashboard.answers import answer
from monitor.dashboard.forms import json_of
from monitor.dashboard.guard import who
from monitor.dashboard.pages.commands import (
    command_filter,
    commands_of,
    note_of,
    of_trace,
    one,
    previewed,
    trace_of,
)
from monitor.dashboard.parameters import BadParameter
from monitor.dashboard.site import Handler, Site
from monitor.dashboard.stored import fields_of


async def commands(site: Site, request: Request) -> Response:
    wanted = command_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    if site.commands is None:
        off: dict[str, Any] = {
            "enabled": False,
            "dry_run": True,
            "stopped": None,
            "declared": [],
            "brokers": [],
        }
        return answer({**off, "items": [], "next": None})
    store = site.commands.store
    found = await store.commands(wanted, part.cursor, part.limit)
    return answer(
        {
            "enabled": True,
            "dry_run": site.commands.dry_run,
            "stopped": await store.stopped(),
            "declared": [item_json(item) for item in site.commands.items],
            "brokers": list(await store.brokers()),
            "items": [command_json(row, site.now()) for row in found.rows],
            "next": found.next,
        }
    )


async def command(site: Site, request: Request) -> Response:
    known = commands_of(site)
    found = await one(known, request)
    attempts = [_attempt(row) for row in await known.store.attempts(found.id)]
    return answer({**command_json(found, site.now()), "tries": attempts})


async def trace_commands(site: Site, request: Request) -> Response:
    detail = await trace_of(site, request)
    told = await of_trace(site, request, detail)
    return answer(
        {
            "offers": [] if told is None else [_offer(offer) for offer in told.offers],
            "sent": [] if told is None else [command_json(row, site.now()) for row in told.sent],
        }
    )


async def preview(site: Site, request: Request) -> Response:
    detail = await trace_of(site, request)
    finding = parameters.text(request.query_params, "finding")
    return answer(_preview(await previewed(site, request, detail, finding)))


async def send(site: Site, request: Request) -> Response:
    """``id``: a program's own, so that asking twice is asking once. With ``at`` and ``digest`` of a preview
    it is exactly that message, or nothing."""
    known = commands_of(site)
    given = await json_of(request)
    texts = {name: _text(given, name) for name in ("id", "at", "digest", "finding")}
    note = note_of(given)
    detail = await trace_of(site, request)
    before = await known.store.by_message(texts["id"]) if texts["id"] else None
    if before is not None and (before.trace, before.name) == (detail.row.id, request.path_params["name"]):
        return answer(command_json(before, site.now()))
    made = None
    if texts["id"]:
        made = (texts["id"], _instant(texts["at"]) if texts["at"] else site.now())
    shown = await previewed(site, request, detail, texts["finding"] or None, made)
    if texts["digest"] and shown.digest != texts["digest"]:
        raise BadParameter(
            "The trace has changed since that preview: something else would be sent now.",
            mend="Preview it again.",
        )
    return answer(command_json(await known.request(shown, detail, who(request), note), site.now()))


async def approve(site: Site, request: Request) -> Response:
    note = note_of(await json_of(request))
    known = commands_of(site)
    found = await one(known, request)
    return answer(command_json(await known.approve(found.id, who(request), note), site.now()))


async def cancel(site: Site, request: Request) -> Response:
    note = note_of(await json_of(request))
    known = commands_of(site)
    found = await one(known, request)
    return answer(command_json(await known.cancel(found.id, who(request), note), site.now()))


async def again(site: Site, request: Request) -> Response:
    await json_of(request)
    known = commands_of(site)
    found = await one(known, request)
    return answer(command_json(await known.again(found.id, who(request)), site.now()))


async def stop(site: Site, request: Request) -> Response:
    note = note_of(await json_of(request))
    known = commands_of(site)
    await known.stop(who(request), note)
    return answer({"stopped": await known.store.stopped()})


async def resume(site: Site, request: Request) -> Response:
    note = note_of(await json_of(request))
    known = commands_of(site)
    await known.resume(who(request), note)
    return answer({"stopped": await known.store.stopped()})


# values ---------------------------------------------------------------------------------------------------


def command_json(row: Command, now: datetime) -> dict[str, Any]:
    within = row.within
    return {
        **{name: value for name, value in fields_of(row).items() if name not in ("within", "since")},
        "message": message_json(row.message),
        "within_seconds": None if within is None else within.total_seconds(),
        "summary": words.plain(command_words.standing(row, now)),
    }


def message_json(message: Message) -> dict[str, Any]:
    return {
        **{name: value for name, value in fields_of(message).items() if name != "body"},
        "body_base64": b64encode(message.body).decode(),
    }


def item_json(item: Item) -> dict[str, Any]:
    expect = item.expect
    return {
        "name": item.name,
        "title": item.title,
        "description": item.description,
        "flow": item.flow,
        "mode": item.mode,
        "dry_run": item.dry_run,
        "type": item.type,
        "broker": item.target.broker,
        "place": item.target.place,
        "when": command_words.when(item),
        "expect": None if expect is None else expect.event,
        "within_seconds": None if expect is None else expect.within.total_seconds(),
        "per_trace": item.limits.per_trace,
        "per_hour": item.limits.per_hour,
    }


def _offer(offer: Offer) -> dict[str, Any]:
    finding = offer.finding
    return {
        "command": item_json(offer.item),
        "finding": None if finding is None else finding.key,
        "reason": "" if finding is None else finding.message,
        "unmet": offer.unmet,
    }


def _preview(shown: Preview) -> dict[str, Any]:
    return {
        **_offer(shown.offer),
        "message": message_json(shown.message),
        "at": shown.at.isoformat(),
        "digest": shown.digest,
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return fields_of(row)


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > parameters.LONGEST_TEXT or "\x00" in value:
        raise BadParameter(f"{name} is no text that can be used.")
    return value


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(f"at is {text!r}.", mend="It is the `at` of a preview.") from None


READ: tuple[tuple[str, Handler], ...] = (
    ("/commands", commands),
    ("/commands/{id}", command),
    ("/traces/{id}/commands", trace_commands),
    ("/traces/{id}/commands/{name}", preview),
)
CHANGE: tuple[tuple[str, Handler], ...] = (
    ("/traces/{id}/commands/{name}", send),
    ("/commands/stop", stop),
    ("/commands/resume", resume),
    ("/commands/{id}/approve", approve),
    ("/commands/{id}/cancel", cancel),
    ("/commands/{id}/again", again),
)
"""Below ``/api/v1``."""
