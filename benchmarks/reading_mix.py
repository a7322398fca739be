"""Which pages people ask for, and how often, made of what is in the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import unescape
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from benchmarks.reading_load import Answer, Asked

SAMPLE = 2_000

Make = Callable[[Random], str]

_NEXT = re.compile(rb'href="([^"]*[?&;]cursor=[^"]*)"')


def path(page: str, **asked: str | int | None) -> str:
    given = {name: value for name, value in asked.items() if value is not None}
    return f"{page}?{urlencode(given)}" if given else page


@dataclass(slots=True)
class Mix:
    """``kinds``: for each kind of page how often it is asked for, and how its address is made. Links to
    further pages of lists are followed as they come by."""

    kinds: dict[str, tuple[float, Make]]
    following: list[str] = field(default_factory=list)

    def choose(self, random: Random) -> Asked:
        (kind,) = random.choices(list(self.kinds), [weight for weight, _ in self.kinds.values()])
        return kind, self.address(kind, random)

    def address(self, kind: str, random: Random) -> str:
        return self.kinds[kind][1](random)

    def met(self, answer: Answer) -> None:
        """Remember where a list goes on."""
        if answer.kind.startswith(("list", "search", "findings")):
            for link in _NEXT.findall(answer.body)[-1:]:
                self.following = [*self.following[-50:], unescape(link.decode())]


def mix(url: str, seed: int) -> Mix:
    with psycopg.connect(url) as database:
        sampled = _Samples(database, seed)
    recent, some, keys, ids = sampled.recent, sampled.some, sampled.keys, sampled.event_ids
    flows = sampled.flows
    pick: Callable[[Sequence[Any]], Make] = lambda several: lambda random: str(random.choice(several))  # noqa: E731

    def trace_list(**asked: Any) -> Make:
        """A function among the values is asked for each time."""

        def make(random: Random) -> str:
            return path(
                "/traces",
                **{name: value(random) if callable(value) else value for name, value in asked.items()},
            )

        return make

    def start_of(random: Random) -> str:
        """Of a key as people type it: so much of it that up to thousands begin so, or but few."""
        key: str = random.choice(keys)
        return key[: random.choice((4, 7, len(key) - 1))]

    flow = pick(flows)
    element = pick(("Task_ItemsPicked", "Task_Departed", "Task_PaymentReceived", "Task_Out"))

    def version(random: Random) -> dict[str, Any]:
        chosen, number = random.choice(sampled.versions)
        return {"flow": chosen, "version": number}

    deviation = pick(("out_of_order", "missing", "duplicate", "unexpected", "after_end"))
    made = Mix({})
    made.kinds |= {
        "overview": (12, lambda _: "/"),
        "list": (8, trace_list()),
        "list, a flow": (4, trace_list(flow=flow)),
        "list, open": (3, trace_list(state="open", flow=_maybe(flow))),
        "list, deviating": (4, trace_list(verdict="deviating", flow=_maybe(flow))),
        "list, conforming": (1, trace_list(verdict="conforming", state="complete")),
        "list, SLA state": (4, trace_list(sla=pick(("breached", "at_risk", "missed")), flow=_maybe(flow))),
        "list, finding": (3, trace_list(finding=deviation, flow=_maybe(flow))),
        "list, breaches": (2, trace_list(finding="sla_breach", flow=_maybe(flow))),
        "list, sorted": (4, trace_list(sort=pick(("first", "events")), flow=_maybe(flow))),
        "list, period": (3, trace_list(since=pick(sampled.days), until=None, flow=_maybe(flow))),
        "list, until": (2, trace_list(until=pick(sampled.days))),
        "list, a version": (2, lambda random: path("/traces", **version(random))),
        "list, an element": (
            2,
            lambda random: path("/traces", **version(random), element=element(random), state="open"),
        ),
        "list, duration": (2, trace_list(flow=flow, min=pick(("1h", "20h", "40h")), sort="duration")),
        "list, the quickest": (1, trace_list(flow=flow, sort="duration", order="asc")),
        "list, a variant": (2, trace_list(variant=pick(sampled.variants))),
        "list, several": (3, trace_list(flow=flow, state="open", verdict=pick(("deviating", "conforming")))),
        "list, a further page": (
            4,
            lambda random: random.choice(made.following) if made.following else "/traces",
        ),
        "search, key": (8, trace_list(q=pick(keys))),
        "search, beginning": (4, trace_list(q=start_of)),
        "search, name=value": (2, trace_list(q=lambda random: f"order={random.choice(sampled.orders)}")),
        "search, event id": (2, trace_list(q=pick(ids))),
        "search, attribute": (4, trace_list(q=lambda random: f"{random.choice(sampled.attributes)}")),
        "search, two terms": (
            2,
            trace_list(q=lambda random: f"{random.choice(sampled.attributes)} {start_of(random)}"),
        ),
        "search, the box": (3, lambda random: path("/search", q=random.choice(keys))),
        "search, nothing": (1, trace_list(q=lambda random: f"x{random.getrandbits(40):x}")),
        "trace, recent": (8, lambda random: f"/traces/{random.choice(recent)}"),
        "trace, any": (10, lambda random: f"/traces/{random.choice(some)}"),
        "trace, deviating": (4, lambda random: f"/traces/{random.choice(sampled.deviating)}"),
        "flows": (2, lambda _: "/flows"),
        "flow": (6, lambda random: f"/flows/{random.choice(flows)}"),
        "SLAs": (2, lambda _: "/slas"),
        "SLAs, one": (3, lambda random: "/slas/{}/{}".format(*map(quote, random.choice(sampled.slas)))),
        "findings": (3, lambda _: "/findings"),
        "findings, filtered": (
            3,
            lambda random: path("/findings", kind=deviation(random), flow=_maybe(flow)(random)),
        ),
        "findings, of a severity": (1, lambda _: path("/findings", severity="critical", state="confirmed")),
        "inbox": (3, lambda _: "/inbox"),
        "inbox, a group": (1, lambda random: path("/inbox/group", **random.choice(sampled.groups))),
        "inbox, a message": (2, lambda random: f"/inbox/{random.choice(sampled.inbox)}"),
        "sources": (1, lambda _: "/sources"),
        "sources, one": (1, lambda random: f"/sources/{random.choice(sampled.sources)}"),
        "notices": (1, lambda _: "/notices"),
    }
    return made


def _maybe(make: Make) -> Callable[[Random], str | None]:
    return lambda random: make(random) if random.random() < 0.5 else None


class _Samples:
    """What addresses are made of."""

    def __init__(self, database: psycopg.Connection[Any], seed: int) -> None:
        self._database = database
        random = Random(seed)
        self.flows = self._column("SELECT key FROM flows WHERE active ORDER BY key")
        self.recent = [
            id_
            for flow in self.flows
            for id_ in self._column(
                "SELECT t.id FROM flows f JOIN LATERAL (SELECT id, last FROM traces WHERE flow_id = f.id"
                " AND merged_into IS NULL ORDER BY last DESC LIMIT 200) t ON true WHERE f.key = %s",
                flow,
            )
        ]
        (most,) = self._column("SELECT max(id) FROM traces")
        ids = [random.randint(1, most) for _ in range(SAMPLE)]
        near = (
            "SELECT t.id FROM unnest(%s::bigint[]) at, LATERAL (SELECT id FROM traces WHERE id >= at"
            " AND merged_into IS NULL ORDER BY id LIMIT 1) t"
        )
        self.some = self._column(near, ids)
        self.deviating = self._column(
            "SELECT id FROM traces WHERE merged_into IS NULL AND confirmed > 0 AND id = ANY(%s)"
            " OR id IN (SELECT id FROM traces WHERE merged_into IS NULL AND confirmed > 0"
            " ORDER BY flow, last DESC LIMIT 200)",
            self.some,
        )
        self.keys = self._column("SELECT key FROM traces WHERE id = ANY(%s)", self.some)
        self.orders = [key.removeprefix("Z-") for key in self.keys]
        self.event_ids = self._column(
            "SELECT event_id FROM observations WHERE trace_id = ANY(%s) AND event_id IS NOT NULL", self.some
        )
        self.variants = self._column("SELECT variant FROM variants ORDER BY traces DESC LIMIT 30")
        self.attributes = self._column(
            "SELECT DISTINCT name || '=' || value FROM trace_attributes WHERE trace_id = ANY(%s)", self.some
        )
        self.versions = self._rows("SELECT key, version FROM flows")
        self.slas = self._rows("SELECT DISTINCT flow, sla FROM clocks WHERE trace_id = ANY(%s)", self.some)
        self.sources = self._column("SELECT DISTINCT source FROM source_shards")
        self.groups = [
            {"reason": reason, "source": source, "type": type_ or None}
            for reason, type_, source in self._rows("SELECT DISTINCT reason, type, source FROM inbox_groups")
        ]
        self.inbox = self._column("SELECT id FROM inbox ORDER BY id DESC LIMIT 500") or [0]
        self.days = self._column(
            "SELECT to_char(max(last) - n * interval '1 day', 'YYYY-MM-DD') FROM traces,"
            " generate_series(0, 28, 4) n GROUP BY n"
        )

    def _column(self, asked: str, *values: Any) -> list[Any]:
        return [row[0] for row in self._rows(asked, *values)]

    def _rows(self, asked: str, *values: Any) -> list[Any]:
        return self._database.execute(asked.encode(), values or None).fetchall()
