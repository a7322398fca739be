"""What looks for alerts to tell several times a second never reads a table that grows whole."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from monitor.domain.verdict import ClockState
from monitor.storage.alerting import AlertFilter
from monitor.storage.sql import open_store
from tests.contract.store_harness import Said, a_clock, a_finding, at, place
from tests.support.telling import Telling

GROWING = ("alerts", "alert_groups", "alert_members", "notifications", "notified_alerts", "attempts")


def _scans(url: str) -> dict[str, int]:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("SELECT pg_stat_clear_snapshot()")
        asked = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)"
        return {str(name): int(count) for name, count in database.execute(asked, [list(GROWING)])}


async def test_alerts_are_told_and_shown_by_index_only(migrated_postgres_url: str) -> None:
    url = migrated_postgres_url
    joined = "&" if "?" in url else "?"
    store = await open_store(f"{url}{joined}options=-c%20enable_seqscan%3Doff")
    try:
        before = _scans(url)
        said = Said([a_finding()], [a_clock(ClockState.BREACHED)], conforms=False)
        for number in range(9):
            await place(store, f"o-{number}", ("order", f"o-{number}"), said=said)
        await store.confirm_findings({"order": at(59)}, at(59), 100)
        telling = Telling(store.alerts)
        await telling.begin()
        await telling.go()
        await telling.go(minutes=1)
        await telling.go(hours=5)
        assert len(telling.ops.sent) == 3
        for wanted in (
            AlertFilter(),
            *(AlertFilter(state=state) for state in ("firing", "facts", "resolved")),
            AlertFilter(name="Missing"),
            AlertFilter(flow="order"),
            AlertFilter(trace=1),
        ):
            rows = (await store.alerts.alerts(wanted)).rows
        (row, *_) = rows
        assert await store.alerts.alert(bytes.fromhex(row.alert.id))
        assert (await store.alerts.notifications("ops")).rows
        assert await store.alerts.notification(1, "")
        await store.alerts.receivers()
        await store.alerts.purge(timedelta(days=1), telling.now + timedelta(days=9), 100)
    finally:
        await store.close()  # an ending connection tells its counts
    assert {table: count - before[table] for table, count in _scans(url).items()} == dict.fromkeys(GROWING, 0)
