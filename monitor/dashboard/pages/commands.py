"""Corrective commands: what is offered and its exact bytes, what was sent, and the kill switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.commands.base import Command, CommandFilter, Commands, NotPossible, Offer, Preview, Status
from monitor.dashboard import body, command_words, parameters
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site
from monitor.storage.views import TraceDetail

Fields = Mapping[str, str]

LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class OfTrace:
    """What a trace's page shows of commands."""

    offers: Sequence[Offer]
    sent: Sequence[Command]


async def of_trace(site: Site, request: Request, detail: TraceDetail) -> OfTrace | None:
    """None where commands are not enabled."""
    if site.commands is None:
        return None
    offers = await site.commands.offers(detail, await site.clocks(detail), who(request))
    return OfTrace(offers, await site.commands.store.of_trace(detail.row.id))


async def command_list(site: Site, request: Request) -> Response:
    commands = site.commands
    wanted = command_filter(request.query_params)
    part = parameters.slice_of(request.query_params)
    store = None if commands is None else commands.store
    return await site.page(
        request,
        "commands.html",
        title="Commands",
        section="commands",
        commands=commands,
        found=None if store is None else await store.commands(wanted, part.cursor, part.limit),
        stop=None if store is None else await store.stopped(),
        brokers=[] if store is None else await store.brokers(),
        wanted=wanted,
        first_page=part.cursor is None,
        words=command_words,
    )


async def command(site: Site, request: Request) -> Response:
    commands = commands_of(site)
    found = await one(commands, request)
    mine = who(request)
    return await site.page(
        request,
        "command.html",
        title=f"{found.title} for {found.trace_key}",
        section="commands",
        command=found,
        attempts=await commands.store.attempts(found.id),
        stop=await commands.store.stopped(),
        may_approve=found.status is Status.WAITING and mine != found.requested_by,
        body=body.show(found.message.body),
        exact=exact(found.message.body),
        words=command_words,
    )


async def preview(site: Site, request: Request) -> Response:
    detail = await trace_of(site, request)
    shown = await previewed(site, request, detail, parameters.text(request.query_params, "finding"))
    return await _preview_page(site, request, detail, shown)


async def send(site: Site, request: Request, fields: Fields) -> Response:
    """The form of a preview. What would go out now has to be what was seen."""
    commands = commands_of(site)
    detail = await trace_of(site, request)
    known = await commands.store.by_message(fields.get("id", ""))
    if known is not None and (known.trace, known.name) == (detail.row.id, request.path_params["name"]):
        return _to(request, known)
    made = (fields.get("id", ""), _instant(fields.get("at", "")))
    shown = await previewed(site, request, detail, fields.get("finding") or None, made)
    if shown.digest != fields.get("digest"):
        again = await previewed(site, request, detail, fields.get("finding") or None)
        return await _preview_page(site, request, detail, again, changed=True)
    return _to(request, await commands.request(shown, detail, who(request), note_of(fields)))


async def approve(site: Site, request: Request, fields: Fields) -> Response:
    commands = commands_of(site)
    found = await one(commands, request)
    return _to(request, await commands.approve(found.id, who(request), note_of(fields)))


async def cancel(site: Site, request: Request, fields: Fields) -> Response:
    commands = commands_of(site)
    found = await one(commands, request)
    return _to(request, await commands.cancel(found.id, who(request), note_of(fields)))


async def again(site: Site, request: Request, _: Fields) -> Response:
    commands = commands_of(site)
    found = await one(commands, request)
    return _to(request, await commands.again(found.id, who(request)))


async def stop(site: Site, request: Request, fields: Fields) -> Response:
    await commands_of(site).stop(who(request), note_of(fields))
    return RedirectResponse(f"{request.scope.get('root_path', '')}/commands", status_code=303)


async def resume(site: Site, request: Request, fields: Fields) -> Response:
    await commands_of(site).resume(who(request), note_of(fields))
    return RedirectResponse(f"{request.scope.get('root_path', '')}/commands", status_code=303)


# shared with the API --------------------------------------------------------------------------------------


def commands_of(site: Site) -> Commands:
    if site.commands is None:
        raise NotFound(
            "Commands are not enabled.",
            mend="commands: {enabled: true, items: [...]} in the configuration enables them.",
        )
    return site.commands


async def one(commands: Commands, request: Request) -> Command:
    number = parameters.identifier(request.path_params["id"], "command")
    found = await commands.store.command(number)
    if found is None:
        raise NotFound(f"There is no command {number}.")
    return found


async def trace_of(site: Site, request: Request) -> TraceDetail:
    number = parameters.identifier(request.path_params["id"], "trace")
    detail = await site.views.trace(number)
    if detail is not None and detail.merged_into is not None:
        detail = await site.views.trace(detail.merged_into)
    if detail is None:
        raise NotFound(f"There is no trace {number}.")
    return detail


async def previewed(
    site: Site,
    request: Request,
    detail: TraceDetail,
    finding: str | None,
    made: tuple[str, datetime] | None = None,
) -> Preview:
    clocks = await site.clocks(detail)
    name = request.path_params["name"]
    return await commands_of(site).preview(detail, clocks, name, finding, who(request), made)


def command_filter(query: Mapping[str, str]) -> CommandFilter:
    return CommandFilter(parameters.word(query, "status", Status), parameters.text(query, "name"))


def note_of(fields: Mapping[str, object]) -> str:
    note = fields.get("note", "")
    if not isinstance(note, str):
        raise BadParameter("note is no text.", mend='Send {"note": "..."}, or {}.')
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise BadParameter(f"The note is longer than {LONGEST_NOTE} characters.", mend="Shorten it.")
    return note


def exact(message: bytes) -> str:
    """The bytes as they are, as text where they are text."""
    try:
        return message[: body.SHOWN_BYTES].decode()
    except UnicodeDecodeError:
        return body.hex_dump(message[: body.HEX_BYTES])


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotPossible("The time of the preview cannot be read.", mend="Preview it again.") from None


async def _preview_page(
    site: Site, request: Request, detail: TraceDetail, shown: Preview, *, changed: bool = False
) -> Response:
    item = shown.offer.item
    request.state.pulse = ""  # what somebody is about to send must not change under their eyes
    return await site.page(
        request,
        "command_preview.html",
        title=f"{item.title} for {detail.row.key}",
        section="commands",
        status=409 if changed else 200,
        row=detail.row,
        preview=shown,
        item=item,
        message=shown.message,
        finding=shown.offer.finding,
        exact=exact(shown.message.body),
        at=shown.at.isoformat(),
        changed=changed,
        all_dry=commands_of(site).dry_run,
        words=command_words,
    )


def _to(request: Request, found: Command) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/commands/{found.id}", status_code=303)
