"""What becomes of a test for which this machine lacks something."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(reason: object) -> NoReturn:
    """End the test that runs: failed where ``CHOREOSCOPE_REQUIRE_SERVICES=1`` says that everything is here,
    as continuous integration does; skipped elsewhere, and the end of the run tells ``reason``."""
    if os.environ.get("CHOREOSCOPE_REQUIRE_SERVICES") == "1":
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))  # a machine that lacks a server or a browser runs all the other tests
