"""Why a message could not be placed, what comes nearest, and the rule that would place it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.event import Event, InboxReason
from monitor.expressions import over_event
from monitor.mapping import FlowLabels, Rule
from monitor.mapping.keys import KeyUnfit, conventional
from monitor.mapping.naming import Naming, bare, folded
from monitor.mapping.rules import RuleBook
from monitor.mending.outlook import Outlook
from monitor.mending.paths import Likely, likely, spots
from monitor.storage.base import Kept
from monitor.storage.mending import Link

MOST_CANDIDATES = 5
LEAST_LIKENESS = 0.45
_LONGEST_TYPE = 200
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*(?:\.[\w-]+)*", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label that may be meant; ``likeness`` from 0 to 1."""

    flow: str
    label: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Advice:
    """``misfit``: why it cannot be placed with the configuration in use; None: it can, by now. ``rule`` is
    YAML for ``events:``, ready to be put first there; ``setting`` another line of the configuration. ``note``
    says what to do where neither helps, or what else to think of."""

    reason: InboxReason | None
    detail: str
    candidates: tuple[Candidate, ...] = ()
    paths: tuple[Likely, ...] = ()
    rule: str | None = None
    setting: str | None = None
    note: str = ""


def advise(
    kept: Kept,
    seen: Outlook,
    flows: Sequence[FlowLabels],
    rules: Sequence[Rule],
    known: Sequence[Link] = (),
    examples: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> Advice:
    """``known``: stored keys whose value the event holds somewhere; ``examples``: by flow and key name."""
    misfit = seen.misfit
    if misfit is None:
        said = "ignored" if seen.is_ignored else "placed"
        return Advice(None, f"With the configuration in use it would be {said}.", note="Replay it.")
    if misfit.event is None:
        return _unread(kept, misfit.reason, misfit.detail)
    advisor = _Advisor(misfit.event, flows, rules, known, examples or {})
    match misfit.reason:
        case InboxReason.UNMAPPED:
            return advisor.unmapped(misfit.detail)
        case InboxReason.AMBIGUOUS:
            return advisor.ambiguous(misfit.detail)
        case InboxReason.NO_KEY:
            return advisor.without_key(misfit.detail)
    return Advice(misfit.reason, misfit.detail, note=misfit.mend)


def _unread(kept: Kept, reason: InboxReason, detail: str) -> Advice:
    if reason is InboxReason.OVERSIZED:
        limit = 1 << max(10, (len(kept.delivery.body) - 1).bit_length())
        return Advice(
            reason,
            detail,
            setting=f"decode:\n  max_bytes: {limit}\n",
            note="A larger limit lets it be read. Restart, or send SIGHUP, then replay it.",
        )
    if "what kind of event" in detail:
        return Advice(
            reason,
            detail,
            setting="decode:\n  envelope:\n    type: meta.eventType\n",
            note="Name the field that says what kind of event this is, as it is in the body below.",
        )
    return Advice(
        reason,
        detail,
        note="No event rule can mend this: the message cannot be read. Its producer has to send it another"
        " way; then discard this one.",
    )


class _Advisor:
    def __init__(
        self,
        event: Event,
        flows: Sequence[FlowLabels],
        rules: Sequence[Rule],
        known: Sequence[Link],
        examples: Mapping[tuple[str, str], Sequence[str]],
    ) -> None:
        self._event = event
        self._flows = {flow.flow: flow for flow in flows}
        self._known = known
        self._examples = examples
        self._spots = spots(event)
        matching = RuleBook(rules).matching(event)
        self._base = rules[matching[0]] if matching else None

    def unmapped(self, detail: str) -> Advice:
        found = self._nearest()
        if not found:
            note = "No label comes near: if it is part of no flow, ignore it."
            return Advice(InboxReason.UNMAPPED, detail, rule=self._rule(ignore=True), note=note)
        best = found[0]
        paths = self._paths(best.flow)
        keys = self._keys(best.flow, paths)
        return Advice(
            InboxReason.UNMAPPED,
            detail,
            tuple(found),
            tuple(paths),
            self._rule(label=best.label, keys=keys),
            note="If it is part of no flow, put ignore: true in place of as.",
        )

    def ambiguous(self, detail: str) -> Advice:
        name = self._name()
        found = [
            Candidate(flow.flow, label, _likeness(name, label))
            for flow in self._flows.values()
            if len(labels := Naming(flow.labels, flow.aliases).resolve(name)) > 1
            for label in labels
        ]
        if not found:
            return Advice(InboxReason.AMBIGUOUS, detail)
        found.sort(key=lambda one: -one.likeness)
        only = found[0].flow if len(self._flows) > 1 else None
        return Advice(
            InboxReason.AMBIGUOUS,
            detail,
            tuple(found[:MOST_CANDIDATES]),
            rule=self._rule(label=found[0].label, model=only, keys=self._base.keys if self._base else {}),
            note="Choose the label that is meant; data in match: can tell several apart.",
        )

    def without_key(self, detail: str) -> Advice:
        name = self._name()
        keys: dict[str, str] = {}
        paths: list[Likely] = []
        found: list[Candidate] = []
        for flow in self._flows.values():
            labels = Naming(flow.labels, flow.aliases).resolve(name)
            if not labels:
                continue
            found.append(Candidate(flow.flow, labels[0], 1.0))
            there = self._paths(flow.flow)
            paths += there
            if there:
                keys.setdefault(flow.key or "case", there[0].spot.path)
        label = self._base.label if self._base is not None else None
        if not keys:
            note = (
                "Nothing in it looks like a key. Let its producer send a subject, or another rule ignore it."
            )
            return Advice(InboxReason.NO_KEY, detail, tuple(found), note=note)
        return Advice(
            InboxReason.NO_KEY,
            detail,
            tuple(found),
            tuple(paths),
            self._rule(label=label, keys=keys),
            note="Or let its producer send the key as the CloudEvent's subject.",
        )

    def _name(self) -> str:
        """What is looked for among labels."""
        label = self._base.label if self._base is not None else None
        if label is None:
            return self._event.type
        if not label.startswith("="):
            return label
        value = over_event(label[1:])(self._event)
        return value if isinstance(value, str) else self._event.type

    def _nearest(self) -> list[Candidate]:
        """The best label of each flow and further ones, the most alike first."""
        found = [
            Candidate(flow.flow, label, _likeness(self._event.type, label))
            for flow in self._flows.values()
            for label in flow.labels
        ]
        found = [one for one in found if one.likeness >= LEAST_LIKENESS]
        found.sort(key=lambda one: (-one.likeness, one.flow, one.label))
        return found[:MOST_CANDIDATES]

    def _paths(self, flow: str) -> list[Likely]:
        name = self._flows[flow].key or "case"
        known = {link.value for link in self._known if link.flow == flow and link.name == name}
        return likely(self._spots, name, known, self._examples.get((flow, name), ()))

    def _keys(self, flow: str, paths: Sequence[Likely]) -> Mapping[str, str]:
        """What a rule has to say of keys: nothing where the convention finds one that is as good."""
        if self._base is not None and self._base.keys:
            return self._base.keys
        name = self._flows[flow].key or "case"
        try:
            by_convention = conventional(self._event, name)
        except KeyUnfit:
            by_convention = None
        known = {link.value for link in self._known if link.flow == flow and link.name == name}
        if not paths or (by_convention is not None and (by_convention in known or not known)):
            return {}
        return {name: paths[0].spot.path}

    def _rule(
        self,
        label: str | None = None,
        keys: Mapping[str, str] | None = None,
        model: str | None = None,
        *,
        ignore: bool = False,
    ) -> str:
        type_ = self._event.type
        shown = type_ if len(type_) <= _LONGEST_TYPE else f"{type_[:_LONGEST_TYPE]}*"
        lines = [f"- match: {{type: {scalar(shown)}}}"]
        if ignore:
            return "\n".join([*lines, "  ignore: true"]) + "\n"
        if model:
            lines.append(f"  model: {scalar(model)}")
        if label:
            lines.append(f"  as: {scalar(label)}")
        if keys:
            lines.append(f"  keys: {{{_pairs(keys)}}}")
        if self._base is not None and self._base.attributes:
            lines.append(f"  attributes: {{{_pairs(self._base.attributes)}}}")
        if self._base is not None and self._base.keep:
            lines.append(f"  keep: [{', '.join(map(scalar, self._base.keep))}]")
        return "\n".join(lines) + "\n"


def _likeness(type_: str, label: str) -> float:
    """How alike a type, whole or its last segments, and a label are written."""
    wanted = folded(bare(label))
    segments = [one for one in re.split(r"[./:#$+]+", bare(type_)) if one]
    forms = {folded("".join(segments[-size:])) for size in range(1, min(len(segments), 4) + 1)}
    return max((difflib.SequenceMatcher(None, form, wanted).ratio() for form in forms if form), default=0.0)


def _pairs(of: Mapping[str, str]) -> str:
    return ", ".join(f"{scalar(name)}: {scalar(text)}" for name, text in of.items())


def scalar(text: str) -> str:
    """The text as YAML that reads as just this text, on one line, with nothing in it that does not show."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    written = "".join(map(_written, text))
    return f'"{written}"'


def _written(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
