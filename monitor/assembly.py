"""From settings to the parts of the pipeline: conversions the running service and ``check`` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Flow, Ordering
from monitor.bpmn.read import contents
from monitor.decode import Decoder, DecodeSettings, Envelope
from monitor.domain.calendar import BUSINESS, MINUTES_A_DAY, Calendar, Interval
from monitor.domain.objective import Objective
from monitor.errors import ConfigError
from monitor.mapping import FlowLabels, Mapping, Rule
from monitor.model import BpmnFile, Model

if TYPE_CHECKING:  # pydantic is slow to import, and `check` without a configuration does not need it
    from monitor.settings import CalendarSettings, ModelSettings, Settings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def models_of(settings: Settings, include: Sequence[Path] = ()) -> list[Model]:
    """The configured models, their files read. ``include``: further files they may call. Raises ModelError,
    ConfigError."""
    shelf = _Shelf()
    files = [model.file for model in settings.models]
    return [
        shelf.model(model.file, _options(model, settings), (*include, *model.include), files)
        for model in settings.models
    ]


def objectives_of(flows: Iterable[Flow]) -> dict[str, dict[str, Objective]]:
    """By flow and SLA."""
    return {
        flow.key: {sla.name: sla.objective for sla in flow.slas if sla.objective is not None}
        for flow in flows
    }


def decoder_of(settings: Settings | None) -> Decoder:
    if settings is None:
        return Decoder()
    given = settings.decode.envelope
    fields = {name: getattr(given, name) for name in type(given).model_fields}
    envelope = Envelope.of({name: text for name, text in fields.items() if text is not None})
    return Decoder(DecodeSettings(max_bytes=settings.decode.max_bytes, envelope=envelope))


def rules_of(settings: Settings) -> list[Rule]:
    return [Rule.of(rule.model_dump(by_alias=True)) for rule in settings.events]


def mapping_of(
    settings: Settings | None,
    flows: Iterable[Flow],
    *,
    older: dict[str, list[Flow]] | None = None,
    strict_unknown: bool = False,
) -> Mapping:
    """``older``: versions of the flows that open traces still follow. Raises MappingError for an invalid
    rule."""
    rules = [] if settings is None else rules_of(settings)
    return Mapping(rules, known_labels(flows, older), strict_unknown=strict_unknown)


def known_labels(flows: Iterable[Flow], older: dict[str, list[Flow]] | None = None) -> list[FlowLabels]:
    """What mapping knows of flows, the older versions of each included."""
    return [labels_of(flow, (older or {}).get(flow.key, ())) for flow in flows]


def labels_of(flow: Flow, older: Sequence[Flow] = ()) -> FlowLabels:
    """All labels of a flow's versions; what a name stands for, the active one says first."""
    labels = frozenset(flow.labels).union(*(one.labels for one in older))
    aliases: dict[str, Sequence[str]] = {}
    starts: dict[str, str] = {}
    for one in (flow, *older):
        for alias, meant in one.aliases.items():
            if alias not in labels:
                aliases.setdefault(alias, meant)
        for node in one.nodes:
            if node.label and node.start_label:
                starts.setdefault(node.label, node.start_label)
    return FlowLabels(
        flow=flow.key,
        labels=labels,
        aliases=aliases,
        starts=starts,
        key=flow.main_key,
        attributes=tuple(
            sorted({sla.limit.field for one in (flow, *older) for sla in one.slas if sla.limit.field})
        ),
        fields=frozenset().union(*(guard.condition.fields for one in (flow, *older) for guard in one.guards)),
    )


def feeds_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Per flow, the sources that feed it: all of them, as no rule can tell that none of a flow's events will
    ever come from one."""
    names = tuple(source.name for source in settings.sources)
    return {model.key: names for model in settings.models}


def calendars_of(settings: Settings | None) -> dict[str, Calendar]:
    """Those that SLAs may name. Raises ConfigError."""
    if settings is None:
        return {BUSINESS.name: BUSINESS}
    return {name: _calendar(name, calendar) for name, calendar in settings.calendars.items()}


def _options(model: ModelSettings, settings: Settings) -> Options:
    tolerance, lateness = model.ordering.tolerance, model.ordering.lateness
    calendars = calendars_of(settings)
    return Options(
        key=model.key,
        name=model.name,
        main_key=model.key,
        process=model.process,
        silent=frozenset(model.silent),
        bind=dict(model.bind),
        slas=tuple(sla.declared.sla(calendars) for sla in model.slas),
        calendars=calendars,
        timers=model.timers,
        ordering=Ordering(
            settings.ordering.tolerance if tolerance is None else tolerance,
            settings.ordering.lateness if lateness is None else lateness,
        ),
    )


def _calendar(name: str, calendar: CalendarSettings) -> Calendar:
    """Raises ConfigError for intervals that overlap or a calendar without any."""
    week: list[list[Interval]] = [[] for _ in DAYS]
    for days, spans in calendar.hours.items():
        first, _, last = days.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        numbers = range(begin, end + 1) if begin <= end else (*range(begin, 7), *range(end + 1))
        for day in numbers:
            for begins, ends in map(_interval, spans):
                if begins < ends:
                    week[day].append((begins, ends))
                else:  # a night shift
                    week[day].append((begins, MINUTES_A_DAY))
                    if ends:
                        week[(day + 1) % 7].append((0, ends))
    for day, intervals in zip(DAYS, week, strict=True):
        intervals.sort()
        if any(later[0] < earlier[1] for earlier, later in pairwise(intervals)):
            raise ConfigError(f"calendar {name}: the hours of {day} overlap.")
    if not any(week):
        raise ConfigError(
            f"calendar {name} has no working hours.", mend="Give some: hours: {mon-fri: 09:00-17:00}"
        )
    off = (_public_holidays(name, calendar) - set(calendar.working)) | set(calendar.holidays)
    return Calendar(name, calendar.timezone, tuple(map(tuple, week)), tuple(sorted(off)))


HOLIDAY_YEARS = range(2000, 2061)
"""Years whose public holidays are known; further ones have none."""


def _public_holidays(name: str, calendar: CalendarSettings) -> set[date]:
    """Raises ConfigError for a country or region that is not known."""
    country, region = calendar.country, calendar.region
    if country is None:
        return set()
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise ConfigError(
            f"calendar {name}: no public holidays are known of the country {country!r}.",
            mend="Name it by its two letters (ISO 3166-1: DE, US, IN), or list the days under holidays.",
        )
    if region is not None and region not in known[country]:
        raise ConfigError(
            f"calendar {name}: no public holidays are known of the region {region!r} of {country}; there is"
            f" {', '.join(known[country]) or 'none'}."
        )
    return set(holidays.country_holidays(country, subdiv=region, years=HOLIDAY_YEARS))


def _interval(span: str) -> Interval:
    begin, end = (text.split(":") for text in span.split("-"))
    return int(begin[0]) * 60 + int(begin[1]), int(end[0]) * 60 + int(end[1])


def models_named(
    paths: Sequence[Path], settings: Settings | None, include: Sequence[Path] = ()
) -> list[Model]:
    """Those named on the command line, else the configured ones. Raises ModelError, ConfigError."""
    if settings is not None and not paths:
        return models_of(settings, include)
    return models_from_files(paths, settings, include)


def models_from_files(
    paths: Sequence[Path], settings: Settings | None, include: Sequence[Path] = ()
) -> list[Model]:
    """Models by their files; what a configuration says of the same file counts. ``include``: files whose
    processes they may call, besides those of each other and of the configuration. Raises ModelError."""
    configured = {} if settings is None else {model.file.resolve(): model for model in settings.models}
    beside = (*paths, *(model.file for model in configured.values()))
    shelf = _Shelf()
    models = []
    for path in paths:
        known = configured.get(path.resolve())
        if known is None or settings is None:
            models.append(shelf.model(path, Options(calendars=calendars_of(settings)), include, beside))
        else:
            models.append(shelf.model(path, _options(known, settings), (*include, *known.include), beside))
    return models


class _Shelf:
    """Files read once, whoever asks."""

    def __init__(self) -> None:
        self._files: dict[Path, BpmnFile] = {}

    def model(self, path: Path, options: Options, include: Sequence[Path], beside: Sequence[Path]) -> Model:
        near = self._others(include, than=[path])
        far = self._others(beside, than=[path, *include])
        return Model(str(path), self._file(path).source, options, near, far)

    def _others(self, paths: Sequence[Path], than: Iterable[Path]) -> tuple[BpmnFile, ...]:
        """Each of them once."""
        left = {path.resolve() for path in than}
        wanted = {whole: path for path in reversed(paths) if (whole := path.resolve()) not in left}
        return tuple(self._file(path) for path in reversed(wanted.values()))

    def _file(self, path: Path) -> BpmnFile:
        whole = path.resolve()
        if whole not in self._files:
            self._files[whole] = BpmnFile(str(path), contents(path))
        return self._files[whole]
