"""What happens to one order, what goes wrong with it, and what a monitor should find.

The expected flow is ``models/order-fulfilment.bpmn``. Only faults are told here whose verdict leaves no
choice: the best explanation is unique, and no SLA clock depends on how it is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

SERVICES: Mapping[str, str] = {
    "OrderPlaced": "orders",
    "OrderRejected": "orders",
    "OrderCancelled": "orders",
    "OrderCompleted": "orders",
    "DelayNotified": "orders",
    "PaymentRequested": "payments",
    "PaymentReceived": "payments",
    "PaymentFailed": "payments",
    "PaymentRefunded": "payments",
    "ItemsPicked": "warehouse",
    "ParcelPacked": "warehouse",
    "GoodsShipped": "shipping",
    "InvoiceSent": "billing",
}
"""Which service tells of what."""

_PAYMENT = ("OrderPlaced", "PaymentRequested", "PaymentReceived")
_FULFILMENT = ("ItemsPicked", "ParcelPacked", "GoodsShipped", "InvoiceSent", "OrderCompleted")

PATHS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "straight": (_PAYMENT + _FULFILMENT, 0.70),
    "paid at the second attempt": (
        (
            "OrderPlaced",
            "PaymentRequested",
            "PaymentFailed",
            "PaymentRequested",
            "PaymentReceived",
            *_FULFILMENT,
        ),
        0.10,
    ),
    "rejected": (("OrderPlaced", "PaymentRequested", "PaymentFailed", "OrderRejected"), 0.06),
    "cancelled": ((*_PAYMENT, "ItemsPicked", "OrderCancelled", "PaymentRefunded"), 0.07),
    "delay notified": ((*_PAYMENT, "ItemsPicked", "DelayNotified", *_FULFILMENT[1:]), 0.07),
}
"""The ways an order may rightly go, with their shares."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the landscape's SLAs allow. ``at_risk`` is the share of a limit after which it is at risk."""

    pay: timedelta
    ship: timedelta
    done: timedelta
    at_risk: float = 0.6

    @classmethod
    def of(cls, step: timedelta) -> Limits:
        """Limits that an order which takes at most ``step`` from one event to the next keeps with ease."""
        return cls(pay=6 * step, ship=8 * step, done=20 * step)


PAY, SHIP, DONE = "Payment in time", "Shipped in time", "Order done in time"
"""``on`` PaymentReceived; ``from`` PaymentReceived ``to`` GoodsShipped; ``from`` start ``to`` end."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something a service tells. ``delay`` is how late it is sent beyond the usual; ``copies`` how often the
    very same message is sent; ``attempt`` counts payments from 1."""

    label: str
    time: datetime
    delay: timedelta = timedelta(0)
    copies: int = 1
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ClockTruth:
    """One occurrence of an SLA clock. ``ended``: None while it runs on for good; ``cancelled``: the path
    no longer led there."""

    sla: str
    started: datetime
    due: datetime
    at_risk: datetime
    ended: datetime | None = None
    cancelled: bool = False

    def state(self, now: datetime) -> str:
        """Its state once everything up to ``now`` is known, in the words of :class:`ClockState`."""
        if self.ended is not None and self.ended <= now:
            if self.cancelled:
                return "cancelled"
            return "met" if self.ended <= self.due else "missed"
        return "breached" if self.due <= now else "at_risk" if self.at_risk <= now else "running"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a monitor should say of one order once all of it has been read.

    ``deviations``: (finding kind, label). ``events``: how many distinct events its trace holds. ``inbox``:
    reasons of the messages about it that cannot be placed. ``repeats``: messages sent again as they were.
    """

    order: str
    path: str
    fault: str | None
    deviations: tuple[tuple[str, str], ...]
    clocks: tuple[ClockTruth, ...]
    events: int
    complete: bool
    inbox: tuple[str, ...] = ()
    repeats: int = 0

    def to_json(self, now: datetime) -> dict[str, object]:
        """As the truth file has it, with the clocks' states as of ``now``."""
        return {
            "order": self.order,
            "path": self.path,
            "fault": self.fault,
            "conforms": not self.deviations,
            "complete": self.complete,
            "events": self.events,
            "deviations": [{"kind": kind, "name": name} for kind, name in self.deviations],
            "slas": [
                {"name": clock.sla, "state": clock.state(now), "started": clock.started.isoformat()}
                for clock in self.clocks
                if clock.started <= now
            ],
            "inbox": list(self.inbox),
            "repeats": self.repeats,
        }


@dataclass(frozen=True, slots=True)
class Story:
    """One order: its steps in order of time, the noise around it, and the truth."""

    truth: Truth
    steps: tuple[Step, ...]
    noise: tuple[Step, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A story being made: faults change it before the truth is drawn up."""

    path: str
    steps: list[Step]
    step: timedelta
    limits: Limits
    deviations: list[tuple[str, str]] = field(default_factory=list)
    noise: list[Step] = field(default_factory=list)
    inbox: list[str] = field(default_factory=list)
    stuck: bool = False

    def index(self, label: str) -> int:
        return next(number for number, step in enumerate(self.steps) if step.label == label)

    def gap_after(self, index: int) -> timedelta:
        """Half the time until the next event."""
        return (self.steps[index + 1].time - self.steps[index].time) / 2


Fault = Callable[[_Draft, Random], None]


def _swapped(draft: _Draft, _: Random) -> None:
    """Goods are picked before the payment is even asked for."""
    picked = draft.steps.pop(draft.index("ItemsPicked"))
    draft.steps.insert(1, replace(picked, time=draft.steps[0].time + draft.gap_after(0)))
    draft.deviations.append(("out_of_order", "ItemsPicked"))


def _missing(draft: _Draft, random: Random) -> None:
    """A step is never told."""
    label = random.choice(("ItemsPicked", "ParcelPacked", "InvoiceSent"))
    del draft.steps[draft.index(label)]
    draft.deviations.append(("missing", label))


def _repeated(draft: _Draft, random: Random) -> None:
    """A step is done twice: two events, not one delivered twice."""
    label = random.choice(("ItemsPicked", "ParcelPacked", "InvoiceSent"))
    index = draft.index(label)
    again = replace(draft.steps[index], time=draft.steps[index].time + draft.gap_after(index))
    draft.steps.insert(index + 1, again)
    draft.deviations.append(("duplicate", label))


def _redelivered(draft: _Draft, random: Random) -> None:
    """A message is sent again as it was. It must not count."""
    index = random.randrange(len(draft.steps))
    draft.steps[index] = replace(draft.steps[index], copies=random.choice((2, 2, 3)))


def _late(draft: _Draft, random: Random) -> None:
    """An event is delivered long after those that followed it. Nothing went wrong with the order."""
    index = random.randrange(1, len(draft.steps) - 1)
    draft.steps[index] = replace(draft.steps[index], delay=2.5 * draft.step)


def _ship_after(draft: _Draft, wait: timedelta, random: Random) -> None:
    shipped = draft.steps.pop(draft.index("GoodsShipped"))
    completed = draft.steps.pop()
    time = draft.steps[draft.index("PaymentReceived")].time + wait
    draft.steps += [
        replace(shipped, time=time),
        replace(completed, time=time + _pause(draft.step, random)),
    ]


def _slow(draft: _Draft, random: Random) -> None:
    """The parcel leaves too late: at risk, then missed."""
    _ship_after(draft, draft.limits.ship * random.uniform(1.15, 1.5), random)


def _tight(draft: _Draft, random: Random) -> None:
    """The parcel leaves at the last moment: at risk, then met after all."""
    _ship_after(draft, draft.limits.ship * random.uniform(0.75, 0.95), random)


def _stuck(draft: _Draft, random: Random) -> None:
    """Nothing more ever happens."""
    label = random.choice(("PaymentRequested", "PaymentReceived", "ParcelPacked"))
    del draft.steps[draft.index(label) + 1 :]
    draft.stuck = True


def _after_end(draft: _Draft, random: Random) -> None:
    """Goods are picked for an order that has been rejected."""
    draft.steps.append(Step("ItemsPicked", draft.steps[-1].time + _pause(draft.step, random)))
    draft.deviations.append(("after_end", "ItemsPicked"))


def _unexpected(draft: _Draft, _: Random) -> None:
    """Money is returned although nobody cancelled."""
    index = len(draft.steps) - 2
    draft.steps.insert(index + 1, Step("PaymentRefunded", draft.steps[index].time + draft.gap_after(index)))
    draft.deviations.append(("unexpected", "PaymentRefunded"))


def _undecodable(draft: _Draft, _: Random) -> None:
    """The warehouse sends half a message beside the right ones."""
    draft.noise.append(Step("ParcelWeighed", draft.steps[draft.index("ParcelPacked")].time))
    draft.inbox.append("undecodable")


def _unmapped(draft: _Draft, _: Random) -> None:
    """The warehouse tells something no flow knows of."""
    draft.noise.append(Step("ParcelWeighed", draft.steps[draft.index("ParcelPacked")].time))
    draft.inbox.append("unmapped")


FAULTS: Mapping[str, tuple[Fault, str]] = {
    "swapped": (_swapped, "straight"),
    "missing": (_missing, "straight"),
    "repeated": (_repeated, "straight"),
    "redelivered": (_redelivered, "straight"),
    "late": (_late, "straight"),
    "slow": (_slow, "straight"),
    "tight": (_tight, "straight"),
    "stuck": (_stuck, "straight"),
    "after_end": (_after_end, "rejected"),
    "unexpected": (_unexpected, "straight"),
    "undecodable": (_undecodable, "straight"),
    "unmapped": (_unmapped, "straight"),
}
"""Each fault by name, with the path it befalls."""

DEFAULT_FAULTS: Mapping[str, float] = {
    "swapped": 0.04,
    "missing": 0.04,
    "repeated": 0.04,
    "redelivered": 0.04,
    "late": 0.03,
    "slow": 0.04,
    "tight": 0.03,
    "stuck": 0.03,
    "after_end": 0.02,
    "unexpected": 0.02,
    "undecodable": 0.01,
    "unmapped": 0.01,
}
"""Shares of orders, for demos and tests: about two in three orders go as they should."""


def tell(
    order: str, begin: datetime, step: timedelta, limits: Limits, faults: Mapping[str, float], random: Random
) -> Story:
    """The story of one order that begins at ``begin`` and takes at most ``step`` between two events."""
    fault = _pick({**faults, "": max(0.0, 1 - sum(faults.values()))}, random)
    path = FAULTS[fault][1] if fault else _pick({name: share for name, (_, share) in PATHS.items()}, random)
    draft = _Draft(path, _timeline(PATHS[path][0], begin, step, random), step, limits)
    if fault:
        FAULTS[fault][0](draft, random)
    steps = sorted(draft.steps, key=lambda step: step.time)
    truth = Truth(
        order=order,
        path=path,
        fault=fault or None,
        deviations=tuple(draft.deviations),
        clocks=tuple(_clocks(steps, draft)),
        events=len(steps),
        complete=not draft.stuck,
        inbox=tuple(draft.inbox),
        repeats=sum(step.copies - 1 for step in steps),
    )
    return Story(truth, tuple(steps), tuple(draft.noise))


def _pick(shares: Mapping[str, float], random: Random) -> str:
    return random.choices(list(shares), weights=list(shares.values()))[0]


def _pause(step: timedelta, random: Random) -> timedelta:
    """Whole milliseconds between a third of a step and a step."""
    return timedelta(milliseconds=max(2, int(step.total_seconds() * 1000 * random.uniform(0.33, 1.0))))


def _timeline(labels: Sequence[str], begin: datetime, step: timedelta, random: Random) -> list[Step]:
    """When each event happens. Shipping and invoicing both begin when the parcel is packed."""
    times: dict[str, datetime] = {}
    steps: list[Step] = []
    now = begin
    for label in labels:
        if label == "InvoiceSent":
            now = times["ParcelPacked"]
        elif label == "OrderCompleted":
            now = max(times["GoodsShipped"], times["InvoiceSent"])
        if steps:
            now += _pause(step, random)
        times[label] = now
        attempt = sum(step.label == "PaymentRequested" for step in steps) + (label == "PaymentRequested")
        steps.append(Step(label, now, attempt=max(1, attempt)))
    return sorted(steps, key=lambda step: step.time)


def _clocks(steps: Sequence[Step], draft: _Draft) -> list[ClockTruth]:
    """The SLA clocks of a story, by its own reckoning: who started what when, and how it ended."""
    limits = draft.limits
    first = {step.label: step.time for step in reversed(steps)}
    clocks: list[ClockTruth] = []

    def clock(
        sla: str, limit: timedelta, start: datetime, ended: datetime | None, cancelled: bool = False
    ) -> None:
        clocks.append(ClockTruth(sla, start, start + limit, start + limits.at_risk * limit, ended, cancelled))

    for number, step in enumerate(steps):
        if step.label == "PaymentRequested":
            outcome = next(
                (later for later in steps[number:] if later.label in ("PaymentReceived", "PaymentFailed")),
                None,
            )
            ended = outcome.time if outcome else None
            clock(
                PAY,
                limits.pay,
                step.time,
                ended,
                cancelled=outcome is not None and outcome.label == "PaymentFailed",
            )
    if "PaymentReceived" in first:
        gone = first.get("OrderCancelled")
        clock(
            SHIP,
            limits.ship,
            first["PaymentReceived"],
            gone or first.get("GoodsShipped"),
            cancelled=gone is not None,
        )
    end = next(
        (first[label] for label in ("OrderCompleted", "OrderRejected") if label in first),
        first.get("PaymentRefunded"),
    )
    clock(DONE, limits.done, steps[0].time, end)
    return clocks
