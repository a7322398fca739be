"""What the store and the receivers hold in the end, in the words of :mod:`tests.chaos.judged`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from monitor.storage.sql import open_store
from tests.chaos.judged import About, AlertRow, Checked, EventId, Held, Message, Order, Told
from tests.chaos.receivers import Hook
from tests.chaos.truth import order_of
from tests.support.shop import Moved, Said, stored
from tests.support.smtp_server import MailServer

_COMPLAINTS = ("Traceback", "defect of choreoscope", "was never retrieved", "was never awaited")

Database = psycopg.AsyncConnection[Any]


async def held(
    address: str, hook: Hook, mail: MailServer, logs: Iterable[Path], ended: Iterable[str]
) -> Held:
    """As of now; to be compared once nothing moves any more."""
    store = await open_store(address)
    try:
        said = await stored(store)
    except Moved:
        said = []
    finally:
        await store.close()
    async with await psycopg.AsyncConnection.connect(address) as database:
        await database.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        return Held(
            events=tuple(
                EventId(*row) for row in await _rows(database, "SELECT producer, event_id FROM events")
            ),
            inbox=tuple(
                Message(reason, bytes(body))
                for reason, body in await _rows(database, "SELECT reason, body FROM inbox")
            ),
            places=tuple(
                await _rows(
                    database,
                    'SELECT channel, partition, "offset", reason FROM inbox WHERE "offset" IS NOT NULL',
                )
            ),
            orders=await _orders(database),
            checked={one.key: _checked(one) for one in said},
            said=tuple(said),
            provisional=len(await _rows(database, "SELECT 1 FROM findings WHERE state = 'provisional'")),
            alerts=tuple(await _alerts(database)),
            told=(*hook.told(), *_mails(mail)),
            bodies=hook.bodies() | _letters(mail),
            undelivered=tuple(
                f"{uid} to {receiver}: {status}, {said}"
                for uid, receiver, status, said in await _rows(
                    database, "SELECT uid, receiver, status, said FROM notifications WHERE status <> 'sent'"
                )
            ),
            notices=tuple(
                f"{kind} of {subject}"
                for kind, subject in await _rows(
                    database, "SELECT kind, subject FROM notices WHERE ended IS NULL AND kind <> 'burn_rate'"
                )
            ),
            ended=tuple(ended),
            complaints=tuple(_complaints(logs)),
        )


async def _rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return await (await database.execute(query)).fetchall()


async def _orders(database: Database) -> dict[str, Order]:
    """Only what is confirmed counts."""
    deviations: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, kind, name in await _rows(
        database,
        "SELECT t.key, f.kind, f.name FROM findings f JOIN traces t ON t.id = f.trace_id"
        " WHERE f.state = 'confirmed' AND f.kind NOT LIKE 'sla%'",
    ):
        deviations[key].append((kind, name))
    clocks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, sla, state in await _rows(
        database, "SELECT t.key, c.sla, c.state FROM clocks c JOIN traces t ON t.id = c.trace_id"
    ):
        clocks[key].append((sla, state))
    return {
        key: Order(complete, events, tuple(sorted(deviations[key])), tuple(sorted(clocks[key])))
        for key, complete, events in await _rows(
            database, "SELECT key, complete, events FROM traces WHERE merged_into IS NULL"
        )
    }


def _checked(one: Said) -> Checked:
    return Checked(
        one.conforms,
        one.complete,
        one.cost,
        tuple(
            sorted(
                (kind, name, element, event, message)
                for kind, name, element, _, message, _, event in one.findings
                if not kind.startswith("sla")
            )
        ),
        tuple(
            sorted(
                (sla, state, started.isoformat(), due.isoformat(), ended.isoformat() if ended else "")
                for sla, _, started, due, _, ended, state in one.clocks
            )
        ),
    )


async def _alerts(database: Database) -> list[AlertRow]:
    found = []
    for id_, name, status, severity, lasting, tells_end, trace, labels, noted in await _rows(
        database,
        "SELECT id, name, status, severity, lasting, tells_end, trace_id, labels, annotations FROM alerts",
    ):
        about = None
        if trace is not None:
            about = About(name, order_of(json.loads(labels)["key"]), json.loads(noted)["name"])
        found.append(AlertRow(bytes(id_).hex(), name, about, status, severity, lasting, tells_end))
    return found


def _mails(mail: MailServer) -> Iterable[Told]:
    for one in mail.mails:
        _, alert, status = str(one.message["Subject"]).split("|")
        yield Told("mail", str(one.message["Message-ID"]), alert, status)


def _letters(mail: MailServer) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in mail.mails:
        text = one.message.get_body(("plain",))
        said = f"{one.message['Subject']}\n{text.get_content() if text else ''}"
        found["mail", str(one.message["Message-ID"])].add(said)
    return {message: len(said) for message, said in found.items()}


def _complaints(logs: Iterable[Path]) -> Iterable[str]:
    for log in logs:
        lines = log.read_text("utf-8", "replace").splitlines()
        for number, line in enumerate(lines):
            if any(word in line for word in _COMPLAINTS):
                yield f"{log.name}: " + "\n    ".join(lines[max(0, number - 2) : number + 40])
                break
