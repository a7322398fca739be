"""``replay``: what a draft of a flow would say of what has already happened, before it is put in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.assembly import models_named
from monitor.bpmn.flow import Flow
from monitor.bpmn.read import contents
from monitor.checking import check_models
from monitor.comparing import Comparison, labels_apart, of_keys, renamed
from monitor.domain.event import Observation
from monitor.domain.verdict import Verdict
from monitor.errors import ConfigError
from monitor.flows import Flows, build
from monitor.judging import Judge, as_of
from monitor.model import Model
from monitor.storage.base import Store, StoredTrace

if TYPE_CHECKING:  # pydantic is slow to import
    from monitor.settings import Settings

CHAINS_AT_ONCE = 500


def drafted(draft: Path, current: Model) -> Model:
    """The draft with everything the configuration says about the model in force."""
    return replace(current, file=str(draft), source=contents(draft))


def model_in_force(settings: Settings | None, against: Path | None, flow: str | None, draft: Path) -> Model:
    """The model to compare with: a file, or the configured one of that key, or that the draft is named like.
    Raises ConfigError where none or several could be meant."""
    models = models_named((against,) if against else (), settings)
    if against is not None:
        return models[0]
    keys = [str(model.options.key) for model in models]
    wanted = flow or (keys[0] if len(keys) == 1 else draft.stem)
    for model in models:
        if model.options.key == wanted:
            return model
    known = ", ".join(keys) or "none"
    raise ConfigError(
        f"no model “{wanted}” is configured to compare the draft with.",
        mend=f"Name one of these with --flow: {known}; or give a file: --against MODEL.bpmn",
    )


def replay_log(
    draft: Model, current: Model, settings: Settings | None, events: Sequence[Path], now: datetime | None
) -> Comparison:
    """Hold a log against both. Raises InvalidInput, ModelError."""
    key = _key(current)
    draft = replace(draft, options=replace(draft.options, key=key))
    before = check_models([current], settings, events, now)
    after = check_models([draft], settings, events, now)
    compared = of_keys(
        key,
        [(trace.key, trace.verdict) for trace in before.traces],
        [(trace.key, trace.verdict) for trace in after.traces],
    )
    compared.only_before, compared.only_after = labels_apart(build(current)[1], build(draft)[1])
    placed = Counter(str(misfit.type) for misfit in before.misfits)
    compared.unplaced = Counter(str(misfit.type) for misfit in after.misfits) - placed
    return compared


async def replay_stored(
    store: Store, draft: Flow, now: datetime | None, key: str | None = None
) -> Comparison:
    """Judge every stored trace of the draft's flow by the version it follows, and its chain by the draft.
    Reads only."""
    history = _History(Flows(store), draft, now)
    after = 0
    while traces := await store.history(draft.key, after, CHAINS_AT_ONCE, key):
        after = traces[-1].chain
        await history.take(traces)
    return history.compared


class _History:
    def __init__(self, versions: Flows, draft: Flow, now: datetime | None) -> None:
        self.compared = Comparison(draft.key)
        self._versions = versions
        self._draft = Judge(draft)
        self._now = now
        self._names: dict[int, dict[str, str | None]] = {}
        self._before: set[str] = set()

    async def take(self, traces: Sequence[StoredTrace]) -> None:
        chains: dict[int, list[StoredTrace]] = {}
        for trace in traces:
            chains.setdefault(trace.chain, []).append(trace)
        for chain in chains.values():
            await self._chain(chain)
        draft = set(self._draft.flow.labels)
        self.compared.only_before = tuple(sorted(self._before - draft))
        self.compared.only_after = tuple(sorted(draft - self._before))

    async def _chain(self, chain: Sequence[StoredTrace]) -> None:
        before: list[Verdict] = []
        observations: list[Observation] = []
        for trace in chain:
            version = await self._versions.version(trace.flow_id)
            if version is None:
                self.compared.lost += 1
                return
            before += _judged(version.judge, trace.observations, self._now)
            names = self._names.get(trace.flow_id)
            if names is None:
                names = self._names[trace.flow_id] = dict(renamed(version.flow, self._draft.flow))
                self._before |= version.flow.labels.keys()
            for one in trace.observations:
                label = names.get(one.label)
                if label is None:
                    self.compared.unplaced[one.label] += 1
                else:
                    observations.append(one._replace(label=label))
        self.compared.add(chain[0].key, before, _judged(self._draft, observations, self._now))


def _judged(judge: Judge, observations: Sequence[Observation], now: datetime | None) -> list[Verdict]:
    verdicts = []
    rest = tuple(observations)
    while rest:
        judged, rest = judge.replay(rest)
        verdicts.append(as_of(judged.verdict, now))
    return verdicts


def _key(model: Model) -> str:
    return build(model)[1].key
