"""A database server that is gone without a word: its machine lost its power, or a firewall forgot us."""

import socket
from collections.abc import Callable

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.storage.engine import normalised, read_engine, write_engine

OPTIONS = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)

OF_THE_SERVER = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


@pytest.mark.parametrize("engine_of", [write_engine, read_engine])
@pytest.mark.parametrize(
    ("said", "expected", "name"),
    [
        ("", (10, 5, 3, 25_000), "choreoscope"),
        ("?keepalives_idle=77&tcp_user_timeout=3000&application_name=mine", (77, 5, 3, 3000), "mine"),
    ],
)
async def test_it_is_noticed_within_half_a_minute(
    postgres_url: str,
    engine_of: Callable[[URL], AsyncEngine],
    said: str,
    expected: tuple[int, ...],
    name: str,
) -> None:
    """The kernels ask each other; that they are told to is what can be seen without cutting a network."""
    engine = engine_of(normalised(postgres_url + said))
    try:
        async with engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            with socket.socket(fileno=raw.fileno()) as seen:
                found = tuple(seen.getsockopt(socket.IPPROTO_TCP, option) for option in OPTIONS)
                seen.detach()
            assert found == expected
            assert (await connection.exec_driver_sql("SHOW application_name")).scalar() == name
            # and the server asks for us: who is gone keeps no locks
            for setting, value in OF_THE_SERVER.items():
                assert (await connection.exec_driver_sql(f"SHOW {setting}")).scalar() == value
    finally:
        await engine.dispose()
