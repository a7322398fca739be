"""docs/first-email.md, followed step by step, with its files, a real service and a real mail server."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import orjson

from tests.support.smtp_server import Mail, MailServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "first-email.md").read_text("utf-8")
PATIENCE = 40


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


async def arrived(mail: MailServer, count: int) -> Mail:
    async with asyncio.timeout(PATIENCE):
        while len(mail.mails) < count:  # noqa: ASYNC110 - the server is not ours to change
            await asyncio.sleep(0.05)
    return mail.mails[count - 1]


@asynccontextmanager
async def choreoscope(directory: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "monitor.cli", *arguments),
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_the_steps_lead_to_a_mail(tmp_path: Path) -> None:
    bodies = [orjson.loads(body) for body in re.findall(r"-d '(.*)'", PAGE)]
    assert [body["type"] for body in bodies] == ["OrderPlaced", "PaymentReceived"]
    async with MailServer() as mail:
        # the file as it stands there, but for ports that are free, and not so patient
        settings = block("yaml").replace("1025", str(mail.port)).replace("PT10S", "PT2S").replace("5s", "1s")
        (tmp_path / "choreoscope.yaml").write_text(f"{settings}dashboard: {{port: 0}}\n", "utf-8")
        (tmp_path / "shop.bpmn").write_text(block("xml"), "utf-8")
        async with choreoscope(tmp_path, "config", "check", "choreoscope.yaml") as check:
            assert await check.wait() == 0
        async with choreoscope(tmp_path, "alerts", "test", "me") as trial:
            assert trial.stdout is not None
            said = (await trial.stdout.read()).decode()
            assert "me has it: 127.0.0.1 took it for 1 of 1" in said
        assert (await arrived(mail, 1)).message["Subject"] == "Test of the receiver me"

        async with choreoscope(tmp_path, "run", "-c", "choreoscope.yaml") as service:
            assert service.stdout is not None
            told = ""
            async with asyncio.timeout(PATIENCE):
                while (found := re.search(r"dashboard is at (\S+)", told)) is None:
                    told += (await service.stdout.readline()).decode()
            async with httpx.AsyncClient(trust_env=False) as client:
                for number, body in enumerate(bodies):
                    answer = await client.post(
                        f"{found[1]}/api/v1/events",
                        content=orjson.dumps(body),
                        headers={"Content-Type": "application/cloudevents+json"},
                    )
                    assert answer.status_code == 202, answer.text + told
                    await arrived(mail, 2 + number)
    _, breach, end = (each.message for each in mail.mails[:3])
    assert breach["Subject"].startswith("Order o-17: “Paid in time” is breached: it was due")
    assert end["Subject"].startswith("Resolved: Order o-17: “Paid in time” was missed")
    assert breach["References"] == end["References"]
    assert {part.get_content_type() for part in breach.walk()} & {"image/png", "image/svg+xml"}
