"""Files made to do harm, each read by a process that may use little memory and little time."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NS = "http://www.omg.org/spec/BPMN/20100524/MODEL"
HEAD = f'<definitions xmlns="{NS}">'
MOST_MEMORY = 768 * 1024 * 1024
MOST_SECONDS = 60

READ = """
import sys
from pathlib import Path
from monitor.errors import ChoreoscopeError
from monitor.assembly import models_from_files
from monitor.flows import build
try:
    build(models_from_files([Path(sys.argv[1])], None)[0])
except ChoreoscopeError as error:
    print(error.message)
else:
    print("read")
"""


def said(file: Path) -> str:
    """What reading and compiling the file ends with. A crash, or too much of anything, fails."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    done = subprocess.run(
        [sys.executable, "-c", READ, file],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        preexec_fn=bounded,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def entities(depth: int) -> str:
    return "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(depth))


def subprocesses(depth: int) -> str:
    opened = "".join(f'<subProcess id="s{number}">' for number in range(depth))
    return process(f'{opened}<task id="t" name="T"/>{"</subProcess>" * depth}')


def calls(levels: int, times: int) -> str:
    """Processes each of which calls the next so many times."""
    processes = ""
    for level in range(levels):
        inside = "".join(
            f'<callActivity id="c{level}-{number}" calledElement="p{level + 1}"/>' for number in range(times)
        )
        processes += f'<process id="p{level}">{inside}</process>'
    return f'{HEAD}{processes}<process id="p{levels}"><task id="t" name="T"/></process></definitions>'


def process(inside: str) -> str:
    return f'{HEAD}<process id="p">{inside}</process></definitions>'


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "entity bomb": (lambda: f"<!DOCTYPE a [{entities(12)}]><a>&l11;</a>", "DOCTYPE"),
    "quadratic entity": (
        lambda: f'<!DOCTYPE a [<!ENTITY x "{"x" * 100_000}">]><a>{"&x;" * 100_000}</a>',
        "DOCTYPE",
    ),
    "bomb behind much space": (
        lambda: f"{' ' * 200_000}<!DOCTYPE a [{entities(12)}]><a>&l11;</a>",
        "DOCTYPE",
    ),
    "external entity": (
        lambda: f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{process("&x;")}',
        "DOCTYPE",
    ),
    "external definition": (
        lambda: f'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">{process("")}',
        "DOCTYPE",
    ),
    "parameter entity": (
        lambda: f'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>{process("")}',
        "DOCTYPE",
    ),
    "entity nobody declared": (lambda: process("&x;"), "not well-formed"),
    "fifty megabytes": (lambda: process("<task/>" * 7_500_000), "larger than 20971520 bytes"),
    "elements": (lambda: process("<task/>" * 2_900_000), "more than 200000 elements"),
    "elements of a vendor": (
        lambda: process('<v:x xmlns:v="urn:v"/>' * 900_000),
        "more than 200000 elements",
    ),
    "elements of one flow": (lambda: process("<task/>" * 60_000), "more than the 10000"),
    "nesting": (lambda: subprocesses(10_000), "nested more than 200 deep"),
    "nesting that may be read": (lambda: subprocesses(190), "nested more than 50 deep"),
    "nesting in an extension": (
        lambda: process(f"<extensionElements>{'<a>' * 10_000}"),
        "nested more than 200 deep",
    ),
    "attributes": (
        lambda: process("<task " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>"),
        "more than 250 attributes",
    ),
    "an attribute of 19 megabytes": (
        lambda: process(f'<task id="t" name="{"n" * 19_000_000}"/>'),
        "not well-f",
    ),
    "a text of 19 megabytes": (
        lambda: process(f'<task id="t" name="T"><documentation>{"n" * 19_000_000}</documentation></task>'),
        "not well-formed",
    ),
    "namespaces": (
        lambda: process("<task " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(600_000)) + ' id="t"/>'),
        "not well-formed",
    ),
    "calls in a circle": (
        lambda: calls(2, 1).replace('<task id="t" name="T"/>', '<callActivity id="c" calledElement="p1"/>'),
        "circle",
    ),
    "a bomb of calls": (lambda: calls(12, 10), "more than the 10000"),
    "a long chain of calls": (lambda: calls(3_000, 1), "nested more than 50 deep"),
    "one id for all": (lambda: process('<task id="t" name="T"/>\n' * 9_000), "... and 8899 more."),
    "null character": (lambda: process('<task id="t" name="a\0b"/>'), "not well-formed"),
    "null character reference": (lambda: process('<task id="t" name="a&#0;b"/>'), "not well-formed"),
    "cut off": (lambda: process('<task id="t" name="T"/>')[:-20], "not well-formed"),
    "cut off in a tag": (lambda: process('<task id="t" name="T"/>')[:-2], "not well-formed"),
    "a schema": (
        lambda: '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>',
        "an XML schema",
    ),
    "a page": (lambda: "<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML page"),
    "binary": (lambda: "\x7fELF\x01\x02" * 100, "not well-formed"),
}


@pytest.mark.parametrize(("make", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_harm_is_told_in_bounded_time_and_memory(
    make: Callable[[], str], reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "hostile.bpmn"
    file.write_text(make(), "utf-8")
    assert reason in said(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_bomb_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.bpmn"
    file.write_bytes(f'<?xml version="1.0"?><!DOCTYPE a [{entities(12)}]><a>&l11;</a>'.encode(encoding))
    assert "DOCTYPE" in said(file)


def test_a_pipe_of_zeros_is_not_read_for_ever() -> None:
    assert "larger than" in said(Path("/dev/zero"))


def test_a_large_model_that_is_in_order_is_read(tmp_path: Path) -> None:
    """What the bounds leave in: more than any drawn model by far."""
    tasks = '<startEvent id="t0"/>' + "".join(
        f'<task id="t{n + 1}" name="T{n}"/><sequenceFlow id="f{n}" sourceRef="t{n}" targetRef="t{n + 1}"/>'
        for n in range(2_000)
    )
    file = tmp_path / "large.bpmn"
    file.write_text(process(tasks), "utf-8")
    assert said(file) == "read"
