"""Tells people: routes alerts that changed, looks at groups that are due, delivers what they send.

Each of these is a tick that any number of sweepers may run at once. Everything is stored before it is sent,
and what is sent has an id that stays the same, however often it is tried.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerts.base import Channel, Kind, Undeliverable
from monitor.alerts.born import FINDINGS
from monitor.alerts.grouping import Member, Muting, Terms, Why, decide
from monitor.alerts.inhibition import Candidate, Downstream, Late, Rule, by_rules
from monitor.alerts.intervals import held_by
from monitor.alerts.matchers import Matcher, Operator, matches
from monitor.alerts.policy import DIGEST, Policy
from monitor.bpmn.flow import Flow
from monitor.domain.verdict import FindingKind
from monitor.metrics import Metrics
from monitor.storage.alerting import Alerting, Claimed, Flushing, Grouped, Message, Outcome
from monitor.tracing import UNTRACED, Tracer

log = logging.getLogger("choreoscope.alerts")

ROUTED = 500
"""Alerts routed in one transaction."""

MOST_TOLD = 100
"""Alerts that one message tells; of more it says how many."""

WRITING = timedelta(seconds=30)
"""So long writing a message may take, its picture with it, besides what its receiver is waited for. Past both
an attempt is broken off."""

MARGIN = timedelta(seconds=15)
"""A lease outlasts the longest attempt by so much: nobody else may have begun one, whatever clocks say. Who
is killed while sending holds the message up until the lease is over."""

AT_ONCE = 20
"""Messages to one receiver in one tick."""

_BREACHED, _AT_RISK = FINDINGS[FindingKind.SLA_BREACH], FINDINGS[FindingKind.SLA_AT_RISK]
_MISSING = FINDINGS[FindingKind.MISSING]
_FOLLOWING = (_BREACHED, _AT_RISK, _MISSING)


class Dispatcher:
    """``flow``: gives a deployed version of a flow. ``chance``: from 0 to 1, never the same. ``now``: the
    clock of this edge."""

    def __init__(
        self,
        store: Alerting,
        policy: Policy,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        *,
        flow: Callable[[int], Awaitable[Flow | None]],
        worker: str,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._store = store
        self._policy = policy
        self._channels = channels
        self._metrics = metrics
        self._flow = flow
        self._worker = worker
        self._now = now
        self._chance = chance
        self._tracer = tracer
        self._routes = {route.key: route for route in policy.route.all()}
        self._downstream: dict[int, Downstream] = {}

    @property
    def receivers(self) -> Collection[str]:
        return self._channels.keys()

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    # route ----------------------------------------------------------------------------------------------

    async def route(self) -> int:
        """Put alerts that changed into their groups. Returns how many."""
        now, total = self._now(), 0
        while True:
            count = await self._store.route(lambda labels: self._policy.targets(labels, now), now, ROUTED)
            self._metrics.alerts_routed.inc(count)
            total += count
            if count < ROUTED:
                return total

    # flush ----------------------------------------------------------------------------------------------

    async def flush(self) -> int:
        """Look at every group that is due. Returns how many messages they send."""
        sent = 0
        while True:
            async with self._store.flushing(self._now()) as flushing:
                if flushing is None:
                    return sent
                sent += await self._flush(flushing, self._now())

    async def _flush(self, flushing: Flushing, now: datetime) -> int:
        group = flushing.group
        receiver = self._policy.receivers.get(group.receiver)
        route = self._routes.get(group.route, self._policy.route)
        grouped = await flushing.members()
        members = [self._placed(flushing, one, now) for one in grouped]
        digest = receiver.digest if receiver is not None and group.route == DIGEST else None
        terms = Terms(
            group_interval=route.group_interval,
            repeat_interval=route.repeat_interval,
            send_resolved=receiver is not None and receiver.send_resolved,
            held=held_by(self._policy.intervals, route.mute_times, route.active_times, now)
            if digest is None
            else None,
            digest=digest is not None,
            undelivered=group.undelivered,
            next=digest.next(now) if digest is not None else None,
        )
        muted = await self._muted(flushing, grouped, now)
        decision = decide(members, muted, terms, group.notified, now)
        message = None
        if decision.sends:
            kind: Kind = "digest" if terms.digest else "alerts"
            message = Message(_uid(group.id, group.flushes, now), kind, MOST_TOLD)
            self._metrics.notifications.labels(group.receiver).inc()
        await flushing.write(decision, message, now + route.group_interval)
        return int(decision.sends)

    def _placed(self, flushing: Flushing, one: Grouped, now: datetime) -> Member:
        """The member, and whether it still belongs here by the routes in force."""
        group = flushing.group
        here = any(
            (target.receiver, target.route, dict(target.labels))
            == (group.receiver, group.route, group.labels)
            for target in self._policy.targets(one.labels, now)
        )
        return one.member if here else replace(one.member, leaving=True)

    async def _muted(
        self, flushing: Flushing, grouped: Sequence[Grouped], now: datetime
    ) -> dict[bytes, Muting]:
        """Silences before inhibitions: who silenced it knows of it."""
        muted: dict[bytes, Muting] = {}
        firing = [one for one in grouped if one.member.status == "firing"]
        if firing:
            for target, source in (await self._inhibited(flushing, firing)).items():
                muted[target] = Muting(Why.INHIBITED, source.hex())
        for number, matchers in await flushing.silences(now) if grouped else ():
            for one in grouped:
                if matches(matchers, one.labels):
                    muted[one.member.id] = Muting(Why.SILENCED, str(number))
        return muted

    async def _inhibited(self, flushing: Flushing, firing: Sequence[Grouped]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        rules = self._policy.rules
        targets = [Candidate(one.member.id, one.labels) for one in firing]
        applying = [rule for rule in rules if any(matches(rule.target, one.labels) for one in targets)]
        if applying:
            sources = await flushing.firing(_names(applying))
            found |= by_rules(applying, targets, sources)
        if self._policy.downstream:
            found |= await self._following(flushing, firing)
        return found

    async def _following(self, flushing: Flushing, firing: Sequence[Grouped]) -> dict[bytes, bytes]:
        """Those of the group that only follow from a late step of their trace."""
        traces = {
            one.trace for one in firing if one.trace is not None and one.labels.get("alertname") in _FOLLOWING
        }
        ours = {one.member.id for one in firing}
        found: dict[bytes, bytes] = {}
        for flow_id, about in (await flushing.firing_of(traces)).values():
            late = [told for one in about if (told := _late(one)) is not None]
            if len(late) > 1 and (downstream := await self._known(flow_id)) is not None:
                found |= {
                    target: source for target, source in downstream.follows(late).items() if target in ours
                }
        return found

    async def _known(self, flow_id: int) -> Downstream | None:
        if flow_id not in self._downstream:
            flow = await self._flow(flow_id)
            if flow is None:
                return None
            self._downstream[flow_id] = Downstream(flow)
        return self._downstream[flow_id]

    # deliver --------------------------------------------------------------------------------------------

    async def deliver(self, receiver: str) -> int:
        """Send what waits for a receiver, until there is nothing or it fails. Returns how many arrived."""
        arrived = 0
        while arrived < AT_ONCE:
            lease = self._longest(receiver) + MARGIN
            claimed = await self._store.claim(
                receiver, self._worker, self._policy.external_url, lease, self._now()
            )
            if claimed is None:
                break
            with self._tracer.span("alert delivery", receiver=receiver, attempt=claimed.attempt) as span:
                outcome = await self._attempt(receiver, claimed)
                span.tell(arrived=outcome.arrived)
                if not outcome.arrived:
                    span.failed("refused" if outcome.disables else "not reached")
                await self._store.record(claimed, outcome, self._now())
            if not outcome.arrived:
                break
            arrived += 1
        return arrived

    async def _attempt(self, receiver: str, claimed: Claimed) -> Outcome:
        notification, now = claimed.notification, self._now()
        attempts, longest = self._metrics.delivery_attempts, self._longest(receiver)
        try:
            with self._metrics.delivery_seconds.labels(receiver).time():
                async with asyncio.timeout(longest.total_seconds()):
                    said = await self._channels[receiver].send(notification, now)
        except Undeliverable as error:
            failure = error
        except TimeoutError:
            failure = Undeliverable(f"it took longer than {longest.total_seconds():g} seconds")
        except Exception as error:  # one receiver that makes us fail must not keep the others from being told
            log.exception(
                "%s: the attempt failed, which is a defect of choreoscope; please report it", receiver
            )
            failure = Undeliverable(f"the attempt failed: {type(error).__name__}")
        else:
            attempts.labels(receiver, "arrived").inc()
            return Outcome(True, said)
        attempts.labels(receiver, "refused" if failure.permanent else "failed").inc()
        log.warning("%s is not reached: %s", receiver, failure.message)
        return Outcome(False, failure.message, self._again(claimed, failure), disables=failure.permanent)

    def _longest(self, receiver: str) -> timedelta:
        """What an attempt may take."""
        return self._channels[receiver].timeout + WRITING

    def _again(self, claimed: Claimed, failure: Undeliverable) -> datetime | None:
        """When to try again, at the earliest when the receiver wishes; None: it is given up."""
        now = self._now()
        created = claimed.notification.created
        found = self._policy.retry.next(claimed.attempt, created, now, self._chance())
        if found is None or failure.retry_after is None:
            return found
        return max(found, now + failure.retry_after)


def _late(one: Grouped) -> Late | None:
    """What matters of an alert for what follows from it, or it from."""
    name = one.labels.get("alertname")
    if name not in _FOLLOWING or (name != _MISSING and one.due is None):
        return None
    return Late(
        id=one.member.id,
        sla=one.labels.get("sla"),
        element=one.labels.get("element"),
        breached=name == _BREACHED,
        severity=one.labels.get("severity", ""),
        at=datetime.fromisoformat(one.due) if one.due is not None else one.starts_at,
    )


def _names(rules: Sequence[Rule]) -> set[str] | None:
    """The names of alerts that can be the rules' sources; None: any."""
    found: set[str] = set()
    for rule in rules:
        named = [_name(matcher) for matcher in rule.source]
        if not any(named):
            return None
        found.update(name for name in named if name)
    return found


def _name(matcher: Matcher) -> str | None:
    is_name = matcher.label == "alertname" and matcher.operator is Operator.EQUAL
    return matcher.value if is_name else None


def _uid(group: bytes, flush: int, now: datetime) -> str:
    """One of its own for each flush, also of a group that was let go of and began anew: receivers may
    remember ids for longer than groups are kept."""
    said = f"{flush} {now.isoformat()}".encode()
    return hashlib.blake2b(group + said, digest_size=16).hexdigest()
