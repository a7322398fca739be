"""What a flow's pages are asked: which of its traces they speak of, by version and by the day they began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from starlette.datastructures import QueryParams
from starlette.requests import Request

from monitor.bpmn.outline import Outlined
from monitor.dashboard import parameters
from monitor.dashboard.parameters import BadParameter, NotFound
from monitor.dashboard.site import Site
from monitor.statistics import day_of
from monitor.storage.views import FlowRow, VariantRow, VersionRow

PERIODS: Mapping[str, tuple[str, str, int | None]] = {
    "1d": ("Today", "began today (UTC)", 1),
    "7d": ("7 days", "began in the last 7 days", 7),
    "30d": ("30 days", "began in the last 30 days", 30),
    "90d": ("90 days", "began in the last 90 days", 90),
    "all": ("All", "there are", None),
}
"""By the word in the address: a short name, what is said of the traces, and how many days, today (UTC) being
the last."""

DEFAULT_PERIOD = "30d"
ALIKE = "all"
"""The version that stands for all with the elements of the active one."""


async def find_flow(site: Site, key: str) -> FlowRow:
    for row in await site.views.flows():
        if row.key == key:
            return row
    raise NotFound(f"There is no flow {key[:100]}.", mend="Flows come from the models in the configuration.")


def first_day(period: str, now: datetime) -> int | None:
    days = PERIODS[period][2]
    return None if days is None else day_of(now) - days + 1


def date_of(day: int) -> date:
    """Of a day as :func:`~monitor.statistics.day_of` counts it. Days no calendar has become its first or
    last."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
    except OverflowError:
        return date.max if day > 0 else date.min


@dataclass(frozen=True, slots=True)
class Question:
    """``chosen``: the versions spoken of, the newest first, at least one; ``apart``: those that were asked
    for with it but have other elements. ``version`` and ``period`` as the address has them. ``since``: the
    first day."""

    flow: FlowRow
    versions: Sequence[VersionRow]
    chosen: Sequence[VersionRow]
    apart: Sequence[VersionRow]
    version: str | None
    period: str
    since: int | None

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(row.id for row in self.chosen)

    @property
    def shown(self) -> VersionRow:
        """Whose diagram is shown."""
        return self.chosen[0]

    @property
    def said(self) -> str:
        """``began in the last 30 days``."""
        return PERIODS[self.period][1]


async def question(site: Site, request: Request) -> Question:
    flow = await find_flow(site, request.path_params["key"])
    query = request.query_params
    period = period_of(query)
    given = parameters.text(query, "version")
    versions = await versions_of(site, flow)
    apart: list[VersionRow] = []
    if given == ALIKE:
        chosen, apart = await _alike(site, versions)
    elif given is None:
        chosen = [next(row for row in versions if row.active)]
    else:
        chosen = [pick(versions, "version", given)]
    since = first_day(period, site.now())
    return Question(flow, versions, chosen, apart, given, period, since)


def period_of(query: QueryParams) -> str:
    return parameters.choice(query, "period", PERIODS) or DEFAULT_PERIOD


async def versions_of(site: Site, flow: FlowRow) -> Sequence[VersionRow]:
    """The newest first; the active one is always among them."""
    rows = await site.summaries.versions(flow.key)
    if any(row.id == flow.id and row.active for row in rows):
        return rows
    # Deployed since the versions were last asked for.
    active = VersionRow(flow.id, flow.key, flow.version, flow.name, flow.file, flow.deployed, True, 0)
    return [active, *(replace(row, active=False) for row in rows if row.id != flow.id)]


def pick(versions: Sequence[VersionRow], name: str, given: str) -> VersionRow:
    for row in versions:
        if str(row.version) == given:
            return row
    known = ", ".join(str(row.version) for row in versions)
    raise BadParameter(f"{name} is {given!r}.", mend=f"Versions with traces are: {known}.")


async def _alike(site: Site, versions: Sequence[VersionRow]) -> tuple[list[VersionRow], list[VersionRow]]:
    """The active version with all that have the same elements, and the others."""
    active = next(row for row in versions if row.active)
    wanted = _shape(await site.pictures.outline(active.id))
    alike: list[VersionRow] = [active]
    apart: list[VersionRow] = []
    for row in versions:
        if row is not active:
            same = _shape(await site.pictures.outline(row.id)) == wanted
            (alike if same and wanted else apart).append(row)
    return alike, apart


def _shape(outline: Sequence[Outlined]) -> frozenset[Outlined]:
    return frozenset(outline)


def together(rows: Iterable[VariantRow]) -> list[VariantRow]:
    """Equal variants of several versions as one, the most frequent first."""
    found: dict[str, VariantRow] = {}
    for row in rows:
        same = found.get(row.variant)
        if same is not None:
            traces = same.traces + row.traces
            mean = (same.mean * same.traces + row.mean * row.traces) / traces
            row = replace(same, traces=traces, deviating=same.deviating + row.deviating, mean=mean)
        found[row.variant] = row
    return sorted(found.values(), key=lambda row: (-row.traces, row.variant))
