"""Services as containers, where ``docker compose`` has a daemon to talk to."""

import os
import shutil
import subprocess
import uuid
from functools import cache
from pathlib import Path

from tests.services.processes import Process, free_port, own_directory, remove
from tests.services.service import Probe, Service, Unavailable, await_ready

_FILE = Path(__file__).with_name("compose.yml")


@cache
def answers() -> bool:
    """Whether there is a Compose client and a daemon behind it."""
    if shutil.which("docker") is None:
        return False
    return all(_succeeds(command) for command in (["docker", "compose", "version"], ["docker", "info"]))


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class ComposedService(Service):
    """One service of ``compose.yml`` in a project of its own.

    ``docker compose up`` stays attached as a guarded process: when we are gone, the project is taken down.
    """

    def __init__(self, name: str, address: str, probe: Probe) -> None:
        """``address`` has ``{port}`` where the chosen loopback port belongs."""
        self._name, self._probe = name, probe
        self._port = free_port()
        self.address = address.format(port=self._port)
        self._directory = own_directory(name)
        project = f"choreoscope-{uuid.uuid4().hex[:12]}"
        self._compose = ["docker", "compose", "--project-name", project, "--file", str(_FILE)]
        self._environment = {"CHOREOSCOPE_PORT": str(self._port)}
        self._attached: Process | None = None

    def start(self) -> None:
        if self._attached is None or not self._attached.running():
            self._attached = Process(
                [*self._compose, "up", "--no-color", self._name],
                log=self._directory / "log",
                environment=self._environment,
                final=[*self._compose, "down", "--volumes", "--timeout", "5"],
                remove=self._directory,
            )
        await_ready(self._name, self.address, self._probe, self._attached)

    def stop(self) -> None:
        self._run("stop", "--timeout", "30", self._name)
        self._let_go()

    def kill(self) -> None:
        self._run("kill", self._name)
        self._let_go()

    def pause(self) -> None:
        self._run("pause", self._name)

    def resume(self) -> None:
        self._run("unpause", self._name)

    def close(self) -> None:
        self._run("down", "--volumes", "--timeout", "0")
        self._let_go()
        remove(self._directory)

    def _let_go(self) -> None:
        if self._attached is not None:
            self._attached.stop()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self._compose, *arguments],
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"docker compose {' '.join(arguments)} failed:\n{done.stderr}")
