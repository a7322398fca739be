"""Somebody takes care of a finding, or no longer does."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.dashboard import parameters
from monitor.dashboard.answers import answer
from monitor.dashboard.forms import json_of
from monitor.dashboard.guard import who
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Handler, Site
from monitor.storage.base import Acknowledges

LONGEST_NOTE = 2000

Fields = Mapping[str, str]


async def acknowledge(site: Site, request: Request, fields: Fields) -> Response:
    trace, finding = await _acknowledge(site, request, fields.get("note", ""))
    return _back(request, trace, finding)


async def resume(site: Site, request: Request, _: Fields) -> Response:
    trace, finding = await _resume(site, request)
    return _back(request, trace, finding)


async def api_acknowledge(site: Site, request: Request) -> Response:
    note = (await json_of(request)).get("note", "")
    if not isinstance(note, str):
        raise BadParameter("note is no text.", mend='Send {"note": "..."}, or {}.')
    trace, finding = await _acknowledge(site, request, note)
    return answer({"trace": trace, "finding": finding, "acknowledged": True})


async def api_resume(site: Site, request: Request) -> Response:
    await json_of(request)
    trace, finding = await _resume(site, request)
    return answer({"trace": trace, "finding": finding, "acknowledged": False})


async def _acknowledge(site: Site, request: Request, note: str) -> tuple[int, str]:
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise BadParameter(f"The note is longer than {LONGEST_NOTE} characters.", mend="Shorten it.")
    trace, finding = _named(request)
    if not await _keeper(site).acknowledge(trace, finding, who(request), note, site.now()):
        raise _none()
    return trace, finding


async def _resume(site: Site, request: Request) -> tuple[int, str]:
    trace, finding = _named(request)
    if not await _keeper(site).resume(trace, finding, who(request), site.now()):
        raise _none()
    return trace, finding


def _named(request: Request) -> tuple[int, str]:
    trace = parameters.identifier(request.path_params["id"], "trace")
    finding = request.path_params["finding"]
    try:
        bytes.fromhex(finding)
    except ValueError:
        raise _none() from None
    return trace, finding


def _keeper(site: Site) -> Acknowledges:
    if site.acknowledges is None:
        raise NotFound("Findings can only be looked at here.")
    return site.acknowledges


def _none() -> NotFound:
    return NotFound(
        "This finding does not hold, or no longer.", mend="Load the trace's page again: it says what does."
    )


def _back(request: Request, trace: int, finding: str) -> Response:
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/traces/{trace}#finding-{finding}", status_code=303)


CHANGE: tuple[tuple[str, Handler], ...] = (
    ("/traces/{id}/findings/{finding}/acknowledge", api_acknowledge),
    ("/traces/{id}/findings/{finding}/resume", api_resume),
)
"""Below ``/api/v1``."""
