"""Health of processes without a dashboard: alive is one thing, ready another, and why not is told."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from monitor.cli import invoke
from monitor.errors import ConfigError, StorageUnavailable
from monitor.listening import listen
from monitor.metrics import Metrics
from monitor.probing import Probed, probe_app, probing


class Troubles:
    def __init__(self, *said: str, away: bool = False) -> None:
        self.said = said
        self.away = away

    async def __call__(self) -> Sequence[str]:
        if self.away:
            raise StorageUnavailable("The database is away.")
        return self.said


def client(troubles: Troubles) -> httpx.AsyncClient:
    app = probe_app(Probed(troubles, Metrics().registry))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probes")


async def test_ready_while_there_is_no_trouble() -> None:
    async with client(Troubles()) as asked:
        ready = await asked.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        assert "choreoscope_build_info" in (await asked.get("/metrics")).text


async def test_not_ready_says_all_that_is_wrong_and_stays_alive() -> None:
    async with client(Troubles("source shop: connecting", "the sweep does not get on")) as asked:
        ready = await asked.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"] == ["source shop: connecting", "the sweep does not get on"]
        assert "source shop: connecting" in ready.json()["reason"]
        assert (await asked.get("/livez")).json() == {"status": "alive"}


async def test_a_database_that_is_away_is_told() -> None:
    async with client(Troubles(away=True)) as asked:
        ready = await asked.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reason"] == "The database is away."


async def test_nothing_else_is_served() -> None:
    async with client(Troubles()) as asked:
        assert (await asked.get("/")).status_code == 404
        assert (await asked.post("/livez")).status_code == 405


async def test_it_is_served_on_a_socket_and_a_taken_one_is_refused() -> None:
    with listen("test", "127.0.0.1", 0, "") as free:
        port = free.getsockname()[1]
    async with probing(("127.0.0.1", port), Probed(Troubles(), Metrics().registry)):
        async with httpx.AsyncClient() as asked:
            for _ in range(100):
                try:
                    answer = await asked.get(f"http://127.0.0.1:{port}/readyz")
                    break
                except httpx.ConnectError:
                    continue
        assert answer.json() == {"status": "ready"}
        with pytest.raises(ConfigError, match="cannot be listened on"):
            async with probing(("127.0.0.1", port), Probed(Troubles(), Metrics().registry)):
                pass


@pytest.mark.parametrize("said", ["9321", "host:", ":1", "host:99999", "host:x"])
def test_an_address_has_a_host_and_a_port(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ingest", "--probes", said]) == 2
    assert "is not a host and a port" in capsys.readouterr().err
