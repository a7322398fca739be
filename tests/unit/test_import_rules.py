"""The layout's import rules, read from the sources themselves (nothing is imported).

A stage that does no I/O sees only what is upstream of it; an adapter sees its own package's contract; only
the composition root and the command line know concrete adapters.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Pure stages, upstream first: each may import itself and what stands before it, nothing else of ours.
PURE = (
    "domain",
    "errors",
    "identity",
    "expressions",
    "decode",
    "bpmn",
    "mapping",
    "correlate",
    "conformance",
    "timing",
    "soundness",
    "sla",
    "statistics",
    "diagram",
)
# What would let the outside world, the clock or chance into a pure stage.
IMPURE_LIBRARY = frozenset(
    {
        *("asyncio", "http", "selectors", "socket", "ssl", "urllib.request"),
        *("multiprocessing", "subprocess", "threading"),
        *("logging", "os", "sqlite3", "tempfile"),
        *("random", "secrets", "time"),
    }
)
CLOCKS = frozenset({"now", "utcnow", "today"})
PURE_THIRD_PARTY = frozenset({"isodate", "jmespath", "lxml", "orjson"})

# Libraries with one home.
HOMES = {
    "lxml": ("monitor.bpmn.read", "monitor.diagram"),
    "sqlalchemy": ("monitor.storage",),
    "alembic": ("monitor.storage",),
    "psycopg": ("monitor.storage", "monitor.cli.doctor"),
    "aiosqlite": ("monitor.storage",),
    "opentelemetry": ("monitor.telemetry",),
}
# Of the alerts stage what does no I/O: anybody may know it.
PURE_ALERTS = (
    *("born", "grouping", "inhibition", "intervals", "matchers", "policy", "routing"),
    *("sample", "wording"),
)
# Stages that do I/O: elsewhere only these of their modules may be known, except to the composition root.
CONTRACTS = {
    "sources": ("base", "logs"),  # logs: event log files as such, which `check` reads too
    "storage": ("base", "views", "mending", "alerting", "access"),
    "alerts": ("base", *PURE_ALERTS),
    "commands": (
        "base",
        "declared",
        "breaker",
        "limits",
    ),  # the last two: rules without I/O, kept under its locks
    "dashboard": (),
}
COMPOSITION = (
    *("monitor.app", "monitor.alerting", "monitor.alerting_pictures", "monitor.commanding"),
    *("monitor.opening", "monitor.serving", "monitor.cli"),
)
# Adapters of one contract, which must not lean on each other.
ADAPTERS = {
    "sources": ("rabbitmq", "kafka", "http", "file", "memory"),
    "commands.publishers": None,
    "alerts.channels": None,  # every module but base is one
}


@dataclass(frozen=True)
class Import:
    module: str  # as written, made absolute
    line: int


def imports(source: str, module: str, is_package: bool) -> Iterator[Import]:
    """Every import of a source, wherever it stands, one per imported name where that could be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                parents = package[: len(package) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno)


def within(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module's source does against the rules; ``module`` is its full dotted name."""
    stage = module.split(".")[1] if "." in module else ""
    found: list[str] = []
    for imported in imports(source, module, is_package):
        problems = _problems(imported.module, module, stage)
        found += [f"{module}:{imported.line}: {problem}" for problem in problems]
    if stage in PURE:
        found += [f"{module}:{line}: reads the clock" for line in _clock_reads(source)]
    return list(dict.fromkeys(found))


def _problems(imported: str, module: str, stage: str) -> Iterator[str]:
    library = imported.split(".")[0]
    if library in HOMES and not within(module, *HOMES[library]):
        yield f"only {' and '.join(HOMES[library])} may import {library}"
    if stage in PURE:
        yield from _impurities(imported, library, stage)
    if library != "monitor" or within(module, *COMPOSITION):
        return
    for package, contract in CONTRACTS.items():
        home = f"monitor.{package}"
        open_to_all = [home + "." + name for name in contract]
        if within(imported, home) and not within(module, home) and not within(imported, *open_to_all):
            yield f"{imported} is not for other stages"
    for package, names in ADAPTERS.items():
        home = f"monitor.{package}"
        if not within(module, home) or not within(imported, home):
            continue
        own, other = (name.removeprefix(home).lstrip(".").split(".")[0] for name in (module, imported))
        if own and other and own != other and _is_adapter(own, names) and _is_adapter(other, names):
            yield f"adapter {module} imports adapter {home}.{other}"


def _is_adapter(name: str, names: tuple[str, ...] | None) -> bool:
    return name in names if names is not None else name != "base"


def _impurities(imported: str, library: str, stage: str) -> Iterator[str]:
    if within(imported, *IMPURE_LIBRARY):
        yield f"{stage} is pure and imports {imported}"
    elif library == "monitor":
        upstream = PURE[: PURE.index(stage) + 1]
        if not within(imported, *(f"monitor.{name}" for name in upstream)):
            yield f"{stage} is pure and imports {imported}, which is not upstream of it"
    elif library not in PURE_THIRD_PARTY and library not in sys.stdlib_module_names:
        yield f"{stage} is pure and imports the library {library}"


def _clock_reads(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=method)):
                if method in CLOCKS:
                    yield node.lineno


def modules() -> Iterator[Path]:
    return (ROOT / "monitor").rglob("*.py")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_what_decides_whom_to_tell_does_no_io_and_reads_no_clock() -> None:
    for name in PURE_ALERTS:
        source = (ROOT / "monitor" / "alerts" / f"{name}.py").read_text()
        found = [one.module for one in imports(source, f"monitor.alerts.{name}", is_package=False)]
        assert not [one for one in found if within(one, *IMPURE_LIBRARY)], name
        assert not list(_clock_reads(source)), name


def test_the_package_keeps_the_rules() -> None:
    paths = list(modules())
    assert len(paths) > 20
    found = [
        problem
        for path in paths
        for problem in violations(path.read_text(), module_name(path), is_package=path.stem == "__init__")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        ("monitor.domain.event", "import socket", "pure and imports socket"),
        ("monitor.identity", "from os import environ", "pure and imports os.environ"),
        ("monitor.identity", "def f():\n    import urllib.request", "pure and imports urllib.request"),
        ("monitor.decode.body", "import aiokafka", "pure and imports the library aiokafka"),
        ("monitor.bpmn.flow", "from monitor.conformance.checker import Checker", "not upstream"),
        ("monitor.bpmn.flow", "from ..sla import clocks", "not upstream"),
        ("monitor.correlate", "from monitor import settings", "not upstream"),
        ("monitor.sla", "from .. import metrics", "not upstream"),
        ("monitor.sla.clocks", "from datetime import datetime\ndatetime.now()", "reads the clock"),
        ("monitor.bpmn.compile", "from lxml import etree", "may import lxml"),
        ("monitor.sources.logs", "from lxml import etree", "may import lxml"),
        ("monitor.pipeline", "import sqlalchemy as sa", "may import sqlalchemy"),
        ("monitor.pipeline", "from monitor.sources.kafka import KafkaSource", "not for other stages"),
        ("monitor.dashboard.pages.traces", "import monitor.storage.tables", "not for other stages"),
        ("monitor.sweep", "from monitor.dashboard import app", "not for other stages"),
        ("monitor.sources.rabbitmq", "from monitor.sources.kafka import x", "imports adapter"),
        ("monitor.sources.rabbitmq", "from . import kafka", "imports adapter"),
        ("monitor.alerts.channels.email", "from monitor.alerts.channels.webhook import x", "imports adapter"),
    ],
)
def test_a_breach_is_found(module: str, source: str, problem: str) -> None:
    found = violations(source, module, is_package=module == "monitor.sla")
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("monitor.bpmn.read", "from lxml import etree"),
        ("monitor.diagram.svg", "from lxml import etree"),
        (
            "monitor.sla.clocks",
            "from datetime import datetime\nfrom monitor.bpmn.flow import Sla\nimport orjson",
        ),
        ("monitor.storage.tables", "import sqlalchemy"),
        (
            "monitor.pipeline",
            "from monitor.storage.base import Store\nfrom monitor.sources.base import Source",
        ),
        ("monitor.sources.kafka", "from monitor.sources.base import Batch\nfrom . import buffer"),
        ("monitor.alerts.channels.email", "from monitor.alerts.channels.base import Channel"),
        ("monitor.app", "from monitor.sources.kafka import KafkaSource"),
        ("monitor.cli.serve", "from monitor.dashboard.app import build"),
    ],
)
def test_what_is_allowed_is_not_reported(module: str, source: str) -> None:
    assert violations(source, module) == []
