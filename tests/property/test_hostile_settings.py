"""Whatever a configuration file holds: settings, or problems that each name their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.settings import ConfigProblem, InvalidConfig, Settings, load
from monitor.settings.yamlfile import read_yaml

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["P1D", "${X}", "80%"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

WORDS = sorted(
    {
        *Settings.model_fields,
        *(
            "kind",
            "name",
            "url",
            "url_file",
            "token",
            "topics",
            "bindings",
            "exchange",
            "bootstrap_servers",
            "start",
        ),
        *(
            "file",
            "key",
            "slas",
            "from",
            "to",
            "on",
            "idle",
            "within",
            "at_risk",
            "match",
            "keys",
            "as",
            "hours",
        ),
        *("timezone", "host", "port", "lateness", "stream_offset", "alerts"),
    }
)

LIKELY = st.recursive(
    PLAIN | st.sampled_from(["rabbitmq", "kafka", "http", "file", "memory", "amqp://x/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def problems(path: Path) -> tuple[ConfigProblem, ...] | None:
    try:
        load(path, {})
    except InvalidConfig as error:
        return error.problems
    return None


def hold(tmp_path: Path, text: str) -> None:
    path = tmp_path / "choreoscope.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    last = 1 + sum(text.count(end) for end in "\n\r\x85\u2028\u2029")
    found = problems(path)
    assert found != ()
    for problem in found or ():
        assert problem.file == str(path)
        assert 1 <= problem.line <= last
        assert problem.message


@QUIET
@given(st.text(max_size=300))
def test_any_text(tmp_path: Path, text: str) -> None:
    hold(tmp_path, text)


@QUIET
@given(st.dictionaries(st.sampled_from(WORDS), LIKELY, max_size=5))
def test_any_document_of_known_words(tmp_path: Path, document: dict[str, object]) -> None:
    hold(tmp_path, yaml.safe_dump(document, allow_unicode=True))


@QUIET
@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=5))
def test_reading_never_raises(document: dict[str, object]) -> None:
    read_yaml(yaml.safe_dump(document))


@pytest.mark.parametrize(
    "text",
    [
        "&a [*a, *a]",
        "a: &x {b: *x}",
        "<<: 1",
        "? [a]\n: b",
        "a: *nobody",
        "--- a\n--- b",
        "%YAML 9.9\n---\na: 1",
    ],
)
def test_odd_yaml(tmp_path: Path, text: str) -> None:
    hold(tmp_path, text)
