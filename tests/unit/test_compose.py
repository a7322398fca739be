"""docker-compose.yml and Dockerfile, as far as they can be judged without Docker.

The schema has the parts of the Compose specification that we use, and nothing else: a misspelt key fails.
"""

import re
import shlex
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

import monitor
from monitor.cli import choreoscope
from monitor.cli.landscape import landscape
from monitor.landscape import demo
from monitor.landscape.story import Limits
from monitor.landscape.wire import EXCHANGE, TOPICS
from monitor.settings import EventRule, KafkaSource, RabbitmqSource, Settings, load
from tests.services import catalogue

ROOT = Path(__file__).parents[2]
SECRETS = {"POSTGRES_PASSWORD": "secret-1", "RABBITMQ_PASSWORD": "secret-2"}

Compose = dict[str, Any]

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_DURATION = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}
_NAME = r"^[a-zA-Z0-9._-]+$"
_SCALARS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_HEALTHCHECK = {
    "type": "object",
    "properties": {
        "disable": {"type": "boolean"},
        "test": {
            "type": "array",
            "items": _TEXT,
            "minItems": 2,
            "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}],
        },
        "interval": _DURATION,
        "timeout": _DURATION,
        "start_period": _DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}
_SERVICE = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:[a-zA-Z0-9._-]+$"},
        "build": _TEXT,
        "hostname": {"type": "string", "pattern": r"^[a-z0-9-]+$"},
        "user": {"type": "string", "pattern": r"^\d+:\d+$"},
        "command": _TEXTS,
        "environment": _SCALARS,
        "ports": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d{2,5}:\d{2,5}$"},
            "uniqueItems": True,
        },
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[^:]+:/[^:]+(:ro)?$"}},
        "tmpfs": _TEXTS,
        "read_only": {"type": "boolean"},
        "cap_drop": _TEXTS,
        "security_opt": _TEXTS,
        "cpu_shares": {"type": "integer", "minimum": 2},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "healthcheck": _HEALTHCHECK,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "condition": {
                        "enum": ["service_started", "service_healthy", "service_completed_successfully"]
                    }
                },
                "required": ["condition"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["image"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "patternProperties": {_NAME: _SERVICE}, "additionalProperties": False},
        "volumes": {"type": "object", "patternProperties": {_NAME: {"type": "null"}}},
    },
    "patternProperties": {"^x-": {}},
    "required": ["services"],
    "additionalProperties": False,
}


@pytest.fixture
def compose() -> Compose:
    return read("docker-compose.yml")


@pytest.fixture
def settings() -> Settings:
    return load(ROOT / "docker" / "choreoscope.yaml", SECRETS)


@pytest.mark.parametrize("file", ["docker-compose.yml", "tests/services/compose.yml"])
def test_it_is_a_compose_file(file: str) -> None:
    text = (ROOT / file).read_text()
    # The port of the tests' services is chosen when they are started.
    document = yaml.safe_load(text.replace("${CHOREOSCOPE_PORT:?}", "12345"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_a_misspelt_key_is_noticed(compose: Compose) -> None:
    compose["services"]["kafka"]["heathcheck"] = {}
    with pytest.raises(jsonschema.ValidationError, match="heathcheck"):
        jsonschema.validate(compose, SCHEMA)


def test_every_image_is_pinned(compose: Compose) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += [service["image"] for service in read("tests/services/compose.yml")["services"].values()]
    images += re.findall(r"^FROM (\S+)", dockerfile(), re.MULTILINE)
    assert all(re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)*$", image) for image in images), images
    assert compose["services"]["choreoscope"]["image"] == f"choreoscope:{monitor.__version__}"


def test_published_ports_are_unique(compose: Compose) -> None:
    published = [
        port.split(":")[1] for service in compose["services"].values() for port in service.get("ports", [])
    ]
    assert [port for port, times in Counter(published).items() if times > 1] == []


def test_every_server_has_a_healthcheck(compose: Compose) -> None:
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert "test" in check or (check == {"disable": True} and not service.get("ports")), name


def test_the_roles_run_apart_and_pages_come_first(compose: Compose) -> None:
    services = compose["services"]
    assert [services[name]["command"][0] for name in ("choreoscope", "ingest", "sweep")] == [
        "dashboard",
        "ingest",
        "sweep",
    ]
    pages = services["choreoscope"]
    for name in ("ingest", "sweep"):
        assert services[name]["cpu_shares"] < pages["cpu_shares"]
        port = services[name]["command"][1].rpartition(":")[2]
        assert f":{port}/livez" in services[name]["healthcheck"]["test"][-1]
    assert ":8321/readyz" in pages["healthcheck"]["test"][-1]


def test_waiting_can_come_to_an_end(compose: Compose) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}, which does not exist"
            healthy = how["condition"] == "service_healthy"
            assert healthy == ("test" in services[other]["healthcheck"]), f"{name} waits for {other}"
    done: set[str] = set()
    while len(done) < len(services):
        ready = {name for name, one in services.items() if done >= one.get("depends_on", {}).keys()} - done
        assert ready, "services wait for each other"
        done |= ready


def test_named_volumes_are_declared_and_mounted_directories_exist(compose: Compose) -> None:
    mounted = [
        volume.split(":")[0] for one in compose["services"].values() for volume in one.get("volumes", [])
    ]
    assert {volume for volume in mounted if not volume.startswith(".")} == set(compose["volumes"])
    assert all((ROOT / volume).is_dir() for volume in mounted if volume.startswith("."))


def test_our_containers_may_do_little(compose: Compose) -> None:
    ours = [service for service in compose["services"].values() if "build" in service]
    assert len(ours) == 5
    for service in ours:
        assert service["user"].split(":")[0] != "0"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_passwords_come_from_the_environment(compose: Compose) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if "PASS" in variable:
                assert re.fullmatch(r"\$\{[A-Z_]+:-[a-z]+\}", value), f"{name}: {variable}"


def test_every_command_exists(compose: Compose) -> None:
    """Our containers' commands are parsed by the command line itself, up to the point of running them."""
    for service in compose["services"].values():
        if "build" in service:
            arguments = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", word) for word in service["command"]]
            parse(choreoscope, arguments)
    parse(choreoscope, ["run"])


def test_a_command_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(choreoscope, ["landscape", "--rabitmq=amqp://shop/"])


def test_the_configuration_is_valid_and_fits_the_containers(compose: Compose, settings: Settings) -> None:
    services = compose["services"]
    assert SECRETS.keys() <= services["choreoscope"]["environment"].keys()
    assert (
        settings.database.get_secret_value() == "postgresql://choreoscope:secret-1@postgres:5432/choreoscope"
    )
    assert services["choreoscope"]["ports"] == [
        f"127.0.0.1:{settings.dashboard.port}:{settings.dashboard.port}"
    ]
    path = services["choreoscope"]["environment"]["CHOREOSCOPE_CONFIG"]
    host, inside = services["choreoscope"]["volumes"][0].split(":")[:2]
    assert (ROOT / host / Path(path).relative_to(inside)).samefile(ROOT / "docker" / "choreoscope.yaml")


def test_the_configuration_fits_the_landscape(settings: Settings) -> None:
    rabbitmq, kafka = settings.sources
    assert isinstance(rabbitmq, RabbitmqSource)
    assert isinstance(kafka, KafkaSource)
    assert [binding.exchange for binding in rabbitmq.bindings] == [EXCHANGE]
    assert set(kafka.topics) == set(TOPICS)
    assert settings.events == tuple(EventRule.model_validate(rule) for rule in demo.EVENTS)
    (model,) = settings.models
    step = next(timedelta(seconds=float(str(one.default))) for one in landscape.params if one.name == "step")
    expected = demo.settings(ROOT, ROOT / "models" / "order-fulfilment.bpmn", 0, Limits.of(step)).models[0]
    assert model.slas == expected.slas


def test_the_image_is_small_safe_and_stoppable() -> None:
    final = dockerfile().rsplit("\nFROM ", 1)[1]
    assert "-slim" in final.splitlines()[0]
    user = re.search(r"^USER (\d+):(\d+)$", final, re.MULTILINE)
    assert user is not None
    assert "0" not in user.groups()
    assert "STOPSIGNAL SIGTERM" in final
    assert "HEALTHCHECK" in final
    assert f":{Settings().dashboard.port}/livez" in final
    assert f"EXPOSE {Settings().dashboard.port}" in final
    assert "pip" not in final, "what installs stays in the first stage"


def test_the_build_sees_all_it_copies() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile(), re.MULTILINE):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists(), source
            assert any(Path(source).match(pattern) for pattern in kept), f"{source} is not sent to Docker"


def test_the_tests_services_are_those_of_the_catalogue() -> None:
    assert set(read("tests/services/compose.yml")["services"]) == set(catalogue.NAMES)


def read(file: str) -> Compose:
    document = yaml.safe_load((ROOT / file).read_text())
    assert isinstance(document, dict)
    return document


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def parse(command: click.Command, arguments: list[str]) -> None:
    """Click's own parsing of a whole command line; ``click.UsageError`` when it is wrong."""
    context = command.make_context(command.name, list(arguments))
    if isinstance(command, click.Group):
        name, chosen, rest = command.resolve_command(context, arguments)
        assert chosen is not None, name
        parse(chosen, rest)
