"""PostgreSQL from the distribution's package or Homebrew."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tests.services.processes import Process, find_program, free_port
from tests.services.service import LocalService, Unavailable

_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian and Ubuntu keep them off the PATH
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "fsync": "off",  # only the machine's own crash could lose data; a killed server loses none
    "full_page_writes": "off",
}


_STILL_THERE = "pre-existing shared memory block"
_GONE_WITHIN = 10.0


def probe(address: str) -> None:
    with psycopg.connect(address, connect_timeout=5) as connection:
        connection.execute("select 1")


class LocalPostgres(LocalService):
    name = "postgres"

    def __init__(self, directory: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """``settings`` go before those for tests, which trade safety for speed."""
        initdb, server = find_program("initdb", *_PLACES), find_program("postgres", *_PLACES)
        if initdb is None or server is None:
            raise Unavailable(
                "PostgreSQL (initdb, postgres) is not installed; scripts/setup-services installs it"
            )
        super().__init__(directory)
        self._initdb, self._server = initdb, server
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._data = self.directory / "data"
        self._port = free_port()
        self.address = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """A killed server's own processes may outlive it for a moment, and keep its memory from a new one."""
        deadline = time.monotonic() + _GONE_WITHIN
        while True:
            try:
                return super().start()
            except Unavailable as error:
                if _STILL_THERE not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _launch(self) -> Process:
        if not self._data.exists():
            self._initialise()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return Process(
            [self._server, "-D", str(self._data), "-p", str(self._port), *settings],
            log=self.directory / "log",
            user=self._user,
            asks_to_end=signal.SIGINT,  # "fast": does not wait for clients to leave
            remove=None if self.stays else self.directory,
        )

    def _initialise(self) -> None:
        if self._user:
            shutil.chown(self.directory, self._user)
        done = subprocess.run(
            [
                self._initdb,
                "-D",
                self._data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            user=self._user,
            extra_groups=[] if self._user else None,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _probe(self, address: str) -> None:
        probe(address)


def _unprivileged_user() -> str:
    """Whom the server runs as when we are root, which it refuses."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
