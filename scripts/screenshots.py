"""Makes docs/images: every page over the demo's landscape, which tells the same stories each time.

    make screenshots

Needs Chromium. The pictures are of the source tree's own dashboard; look at them before they are committed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

from mail_picture import page as mail_page
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SEED = 7
HISTORY_SECONDS = 60.0
"""The demo begins with ten minutes of history; after this long some of each kind is there."""

START_SECONDS = 60.0
MOST_BYTES = 3_000_000
"""Of all pictures together: they live in the repository."""

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chromium-headless-shell",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
WIDTH = 1280
LEAST_HEIGHT, MOST_HEIGHT = 640, 1000

Api = Callable[[str], Any]


class Picture(NamedTuple):
    """``path`` is an address, or finds one; ``width`` in pixels of a page."""

    path: str | Callable[[Api], str]
    scheme: str = "light"
    width: int = WIDTH


def trace(question: str) -> Callable[[Api], str]:
    """The trace with most events that answers a question of the trace list."""

    def path(api: Api) -> str:
        return f"/traces/{api(f'/traces?sort=events&limit=1&{question}')['items'][0]['id']}"

    return path


def flow(api: Api) -> str:
    return f"/flows/{api('/flows')['items'][0]['key']}"


def sla(api: Api) -> str:
    one = api("/slas")["items"][0]
    return f"/slas/{one['flow']}/{quote(one['name'])}"


def message(api: Api) -> str:
    return f"/inbox/{api('/inbox?reason=unmapped&limit=1')['items'][0]['id']}"


def alert(api: Api) -> str:
    return f"/alerts/{api('/alerts?state=firing&limit=1')['items'][0]['id']}"


PICTURES = {
    "overview": Picture("/"),
    "traces": Picture("/traces"),
    "trace": Picture(trace("verdict=deviating")),
    "trace-dark": Picture(trace("verdict=deviating"), scheme="dark"),
    "trace-phone": Picture(trace("sla=breached"), width=390),
    "flows": Picture("/flows"),
    "flow": Picture(flow),
    "slas": Picture("/slas"),
    "sla": Picture(sla),
    "findings": Picture("/findings"),
    "inbox": Picture("/inbox"),
    "inbox-message": Picture(message),
    "sources": Picture("/sources"),
    "source": Picture("/sources/shop-kafka"),
    "notices": Picture("/notices"),
    "alerts": Picture("/alerts"),
    "alert": Picture(alert),
    "receivers": Picture("/receivers"),
    "commands": Picture("/commands"),
    "audit": Picture("/audit"),
}


def main() -> int:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        print("scripts/screenshots.py: no Chromium on the PATH", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="choreoscope-screenshots-") as folder:
        command = [
            sys.executable,
            "-m",
            "monitor.cli",
            "demo",
            "--port",
            "0",
            "--seed",
            str(SEED),
            "--data",
            folder,
        ]
        demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
        try:
            address = _address(demo)
            print(f"The demo is at {address}; waiting {HISTORY_SECONDS:.0f} s for its history.")
            time.sleep(HISTORY_SECONDS)
            mail = mail_page()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
                take(browser, address)
                take_mail(browser, mail)
                browser.close()
        finally:
            demo.terminate()
            demo.wait()
    size = sum(file.stat().st_size for file in IMAGES.glob("*.png"))
    print(f"{len(PICTURES)} pictures in {IMAGES.relative_to(ROOT)}, {size / 1e6:.1f} MB in all.")
    return 0 if size <= MOST_BYTES else 1


def _address(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    before = time.monotonic()
    for line in demo.stdout:
        if matched := re.search(r"http://[\w.:\[\]-]+", line):
            return matched[0].rstrip(".")
        if time.monotonic() - before > START_SECONDS:
            break
    raise SystemExit("The demo did not start.")


def take(browser: Browser, address: str) -> None:
    def api(path: str) -> Any:
        with urlopen(f"{address}/api/v1{path}") as response:  # noqa: S310 - the demo's own address
            return json.load(response)

    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        path = picture.path if isinstance(picture.path, str) else picture.path(api)
        context = browser.new_context(
            viewport={"width": picture.width, "height": LEAST_HEIGHT},
            color_scheme="dark" if picture.scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        response = page.goto(f"{address}{path}")
        if response is None or response.status != 200:
            raise SystemExit(f"{path} cannot be shown.")
        page.locator("#live", has_text="Live").wait_for()
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size(
            {"width": picture.width, "height": min(max(height, LEAST_HEIGHT), MOST_HEIGHT)}
        )
        page.screenshot(path=IMAGES / f"{name}.png")
        print(f"{name}.png  {(IMAGES / f'{name}.png').stat().st_size // 1000} kB  {path}")
        context.close()


def take_mail(browser: Browser, mail: str) -> None:
    """Of a mail, which no page shows."""
    page = browser.new_page(viewport={"width": 760, "height": LEAST_HEIGHT}, device_scale_factor=1.5)
    page.set_content(mail)
    page.screenshot(path=IMAGES / "mail.png", full_page=True)
    page.close()


if __name__ == "__main__":
    raise SystemExit(main())
