"""Processes that end with us, directories and ports for them."""

import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services import guard

# Below the ephemeral ports of Linux and macOS: nobody is handed one of these while its server is down,
# and a client that reconnects over loopback cannot end up connected to itself.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A loopback port that nothing listens on."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise OSError("no free port on 127.0.0.1")


def find_program(name: str, *directories: str) -> str | None:
    """A program from the highest version among the first glob's matches that has it, else from the PATH."""
    for pattern in directories:
        for directory in sorted(glob.glob(pattern), key=_versions, reverse=True):
            if found := shutil.which(name, path=directory):
                return found
    return shutil.which(name)


def _versions(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path)]


def own_directory(name: str) -> Path:
    """A fresh temporary directory, under a short path (a Unix socket may have to fit)."""
    return Path(tempfile.mkdtemp(prefix=f"choreoscope-{name}-"))


class Process:
    """A running command, its output in a log file, that ends when this Python process ends.

    ``remove`` is deleted and ``final`` run only when it has to be ended because we are gone.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        asks_to_end: signal.Signals = signal.SIGTERM,
        final: Sequence[str] = (),
        remove: Path | None = None,
    ) -> None:
        self.log = log
        self._asks_to_end = asks_to_end
        options = ["--signal", asks_to_end.name]
        if user:
            options += ["--user", user]
        if final:
            options += ["--finally", json.dumps(list(final))]
        if remove:
            options += ["--remove", str(remove)]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-S", guard.__file__, *options, "--", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, **(environment or {})},
                cwd="/",
                start_new_session=True,
                text=True,
            )
        assert self._guard.stdout is not None
        first_line = self._guard.stdout.readline()
        if not first_line:
            raise OSError(f"could not start {command[0]}:\n{self.tail()}")
        self.pid = int(first_line)

    def running(self) -> bool:
        return self._guard.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code, 128 and more where a signal ended it; None while it runs."""
        return self._guard.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command and everything below it."""
        if self.running():
            guard.signal_tree(self.pid, number)

    def stop(self, patience: float = 30.0) -> None:
        """Ask it to end, wait, and make it end when it does not within ``patience`` seconds."""
        if self.running():
            self.signal(signal.SIGCONT)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, self._asks_to_end)
            try:
                self._guard.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
        self._release()

    def kill(self) -> None:
        """End it at once, without a chance to tidy up."""
        self.signal(signal.SIGKILL)
        self._guard.wait()
        self._release()

    def tail(self, lines: int = 25) -> str:
        """The end of its output, for an error message."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _release(self) -> None:
        for stream in (self._guard.stdin, self._guard.stdout):
            if stream is not None:
                stream.close()


def remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
