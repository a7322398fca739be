"""What a configuration may say, and what a person is told when it is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.domain.duration import Span
from monitor.errors import ConfigError
from monitor.settings import InvalidConfig, KafkaSource, RabbitmqSource, RetentionSettings, Settings, load


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "choreoscope.yaml"
    path.write_text(text, "utf-8")
    (tmp_path / "shop.bpmn").write_text("<definitions/>", "utf-8")
    return path


def wrong(tmp_path: Path, text: str, **environ: str) -> list[tuple[int, str, str]]:
    """(line, key, message) of each problem."""
    with pytest.raises(InvalidConfig) as caught:
        load(write(tmp_path, text), environ)
    assert isinstance(caught.value, ConfigError)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


EXAMPLE = """\
database: sqlite:///choreoscope.db
sources:
  - {name: shop-rabbit, kind: rabbitmq, url: amqp://guest:guest@localhost/,
     bindings: [{exchange: shop, routing_key: "#"}]}
  - {name: shop-kafka, kind: kafka, bootstrap_servers: "a:9092, b:9092",
     topics: [payments, "^shipping\\\\..*"]}
events:
  - match: {source: shop-kafka, type: "com.shop.PaymentReceived*"}
    as: PaymentReceived
    keys: {order: data.orderId, payment: data.paymentId}
models:
  - file: shop.bpmn
    key: order
    slas:
      - {name: Ship within two days, from: PaymentReceived, to: GoodsShipped, within: P2D, calendar: business,
         at_risk: 80%, severity: critical, objective: {target: 99%, window: P30D}}
      - {name: Pick soon, on: Pick goods, within: PT4H, at_risk: PT1H}
calendars:
  business: {timezone: Europe/Berlin, hours: {mon-fri: "09:00-17:30"}, holidays: [2026-12-25]}
"""


def test_the_designs_example_is_understood(tmp_path: Path) -> None:
    settings = load(write(tmp_path, EXAMPLE), {})
    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path}/choreoscope.db"
    rabbit, kafka = settings.sources
    assert isinstance(rabbit, RabbitmqSource)
    assert isinstance(kafka, KafkaSource)
    assert rabbit.queue == "choreoscope.shop-rabbit"
    assert rabbit.expires == timedelta(days=7)
    assert kafka.bootstrap_servers == ("a:9092", "b:9092")
    assert kafka.topics == ("payments", "^shipping\\..*")
    assert kafka.start == "earliest"
    assert settings.events[0].label == "PaymentReceived"
    (model,) = settings.models
    assert model.file == tmp_path / "shop.bpmn"
    ship, pick = model.slas
    assert (ship.from_, ship.to, ship.within, ship.at_risk) == (
        "PaymentReceived",
        "GoodsShipped",
        Span(days=2),
        0.8,
    )
    assert ship.objective is not None
    assert ship.objective.target == 0.99
    assert (pick.on, pick.at_risk) == (("Pick goods",), timedelta(hours=1))


def test_on_is_a_key_and_not_a_truth_value(tmp_path: Path) -> None:
    settings = load(
        write(tmp_path, "models: [{file: shop.bpmn, slas: [{name: a, on: x, within: PT1S}]}]"), {}
    )
    assert settings.models[0].slas[0].on == ("x",)
    assert settings.models[0].key == "shop"


def test_secrets_never_print(tmp_path: Path) -> None:
    text = "database: postgresql://u:hunter2@db/x\nsources: [{name: h, kind: http, token: hunter2}]\n"
    settings = load(write(tmp_path, text), {})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())


def test_secrets_never_print_in_errors(tmp_path: Path) -> None:
    for text in (
        "database: mysql://u:hunter2@db/x",
        "sources: [{name: h, kind: rabbitmq, url: 'http://u:hunter2@x/', bindings: [{exchange: e}]}]",
        "sources: [{name: h, kind: kafka, bootstrap_servers: a, topics: t, sasl_password: hunter2}]",
    ):
        assert "hunter2" not in str(wrong(tmp_path, text))
    assert "4711" not in str(wrong(tmp_path, "sources: [{name: h, kind: http, token: 4711}]"))


def test_environment_and_secret_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    text = """\
database_file: dbfile
dashboard: {port: "${PORT:-9000}", external_url: "https://${HOST}/x"}
sources: [{name: a, kind: http, token_file: token}, {name: "b", kind: http, token: "$${HOST}"}]
"""
    (tmp_path / "dbfile").write_text("postgres://u:p@h/d")
    settings = load(write(tmp_path, text), {"HOST": "mon.example"})
    assert settings.database.get_secret_value() == "postgresql://u:p@h/d"
    assert settings.dashboard.port == 9000
    assert settings.dashboard.external_url == "https://mon.example/x"
    tokens = [
        source.token.get_secret_value()
        for source in settings.sources
        if source.kind == "http" and source.token
    ]
    assert tokens == ["s3cret", "${HOST}"]


def test_an_environment_value_cannot_add_yaml(tmp_path: Path) -> None:
    settings = load(
        write(tmp_path, "sources: [{name: a, kind: http, token: '${T}'}]"), {"T": "x}]\nalerts: 1"}
    )
    assert len(settings.sources) == 1


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
sources:
  - name: r
    kind: rabbitmq
    urll: amqp://a/
    bindings: [{exchange: e}]
  - {name: k, kind: kafka, brokers: a, topics: [t], prefetch: x}
ingest: {batch_size: many}
dashboard:
  host: 0.0.0.0
"""
    found = wrong(tmp_path, text)
    assert (2, "sources[0].url", "is required") in found
    assert (4, "sources[0].urll", "unknown key; did you mean 'url'?") in found
    assert (6, "sources[1].brokers", "unknown key; did you mean 'bootstrap_servers'?") in found
    assert (7, "ingest.batch_size", "must be a whole number, not 'many'") in found
    assert any(line == 9 and "no login" in message for line, _, message in found)


KAFKA = "sources: [{name: a, kind: kafka, bootstrap_servers: x, "
RABBIT = "sources: [{name: a, kind: rabbitmq, url: 'amqp://x/', "


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("\ncommands: []\n", 2, "commands", "must hold"),
        ("auth: {users: []}", 1, "auth.users", "unknown key"),
        ("auth: {local: false}", 1, "auth", "nobody could log in"),
        ("dashboard: {host: 0.0.0.0}", 1, "dashboard.host", "there is no login"),
        ("dashboard: {host: 0.0.0.0}\nauth: {}", 1, "dashboard.host", "dashboard.external_url"),
        ("auth: {proxies: [nginx]}", 1, "auth.proxies", "neither an address nor a network"),
        ("auth: {session: {idle: P8D}}", 1, "auth.session", "idle must not be longer than absolute"),
        (
            "auth: {oidc: {issuer: http://login.example, client_id: a, default_role: viewer}}",
            1,
            "auth.oidc.issuer",
            "must begin with https://",
        ),
        (
            "auth: {oidc: {issuer: https://login.example, client_id: a}}",
            1,
            "auth.oidc",
            "nobody would get in",
        ),
        ("sources: [{name: a, kind: rabitmq}]", 1, "sources[0]", "did you mean 'rabbitmq'?"),
        ("sources: [{name: a}]", 1, "sources[0]", "the key 'kind' is missing"),
        ("sources: [{name: a, kind: http}, {name: a, kind: http}]", 1, "sources[1].name", "used 2 times"),
        ("sources: [{name: a b, kind: http}]", 1, "sources[0].name", "may hold only letters"),
        ("sources: [{name: 7, kind: http}]", 1, "sources[0].name", "must be text, not 7; put it in quotes"),
        ("sources: [{name: a, kind: rabbitmq, url: 'amqp://x/'}]", 1, "sources[0]", "either bindings"),
        (KAFKA + "topics: '^('}]", 1, "sources[0].topics", "not a valid pattern"),
        (KAFKA + "topics: t, security_protocol: SASL_SSL}]", 1, "sources[0]", "needs sasl_username"),
        (KAFKA + "topics: t, start: newest}]", 1, "sources[0].start", "earliest"),
        (
            RABBIT + "bindings: [{exchange: e}], overflow: reject-publish}]",
            1,
            "sources[0].overflow",
            "push back",
        ),
        ("sources: [{name: a, kind: http, token: '${NOPE}'}]", 1, "sources[0].token", "NOPE is not set"),
        ("sources: [{name: a, kind: http, token_file: gone}]", 1, "sources[0].token_file", "cannot be read"),
        ("sources: [{name: a, kind: http, token: x, token_file: y}]", 1, "sources[0].token_file", "not both"),
        ("ordering:\n  lateness: 5 s\n", 2, "ordering.lateness", "write PT5S"),
        ("ordering: {lateness: P1M}", 1, "ordering.lateness", "use days (P30D)"),
        ("ordering: {lateness: -PT1S}", 1, "ordering.lateness", "is negative"),
        ("ordering: 5", 1, "ordering", "must hold keys and values"),
        ("database: mysql://x", 1, "database", "must be sqlite:///FILE or postgresql://"),
        ("database: sqlite://x.db", 1, "database", "needs a file"),
        ("models: [{file: gone.bpmn}]", 1, "models[0].file", "there is no file"),
        ("models: {file: shop.bpmn}", 1, "models", "must be a list"),
        ("models: [{file: shop.bpmn}, {file: shop.bpmn}]", 1, "models[1].key", "used 2 times"),
        (
            "events: [{match: {source: nope}}]\nsources: [{name: yes-there, kind: http}]",
            1,
            "events[0].match.source",
            "there is yes-there",
        ),
        ("events: [{ignore: true, as: X}]", 1, "events[0]", "an ignored event has neither"),
        (
            "calendars: {b: {timezone: Berlin, hours: {mon: '9-17'}}}",
            1,
            "calendars.b.timezone",
            "Europe/Berlin",
        ),
        ("a: &a [*a]", 1, "a[0]", "an alias refers to something it is part of"),
        ("ingest: {}\ningest: {}", 2, "ingest", "given twice"),
        ("ingest: !!python/object:os.system {}", 1, "ingest", "is not allowed here"),
        ("- a", 1, "", "must hold keys and values"),
        ("", 1, "", "the file is empty"),
        ("a: [", 1, "", "not valid YAML"),
        ("a: \x01", 1, "", "not valid YAML"),
        ("retension: {}", 1, "retension", "did you mean 'retention'?"),
    ],
)
def test_each_problem_says_where_and_how_to_mend_it(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    found = wrong(tmp_path, text)
    assert [
        problem for problem in found if problem[0] == line and problem[1] == key and said in problem[2]
    ], found


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        ("on: x, idle: true, within: PT1S", "has on and idle"),
        ("within: PT1S", "has none of them"),
        ("from: a, within: PT1S", "from and to belong together"),
        ("on: x", "needs a limit: within"),
        ("on: x, within: PT1S, due: data.at", "due needs from"),
        ("on: x, due: data.at", "due needs from"),
        ("on: x, within: PT0S", "longer than zero"),
        ("on: x, within: PT1H, at_risk: PT2H", "shorter than within"),
        ("on: x, within: PT1H, at_risk: 120%", "neither a percentage"),
        ("on: x, within: PT1H, pause: Held", "pause and resume belong together"),
        ("on: x, within: PT1H, severity: high", "is not one of info, warning, critical"),
        ("on: x, within: PT1H, calendar: bus", "there is no calendar 'bus'"),
        ("on: x, within: PT1H, objective: {target: 99%}", "needs one of window"),
        ("on: x, deadline: PT1H", "did you mean 'within'?"),
    ],
)
def test_sla_entries_are_held_to_their_shape(tmp_path: Path, sla: str, said: str) -> None:
    text = f"models:\n  - file: shop.bpmn\n    slas:\n      - {{name: a, {sla}}}\n"
    found = wrong(tmp_path, text)
    assert [problem for problem in found if problem[0] == 4 and said in problem[2]], found


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("jaeger.example/trace/{trace_id}", "begin with http"),
        ("javascript:alert('{trace_id}')", "begin with http"),
        ("https://jaeger.example/", "where the trace's id goes"),
        ("https://jaeger.example/{trace_id}/{other}", "other braces"),
    ],
)
def test_the_address_of_the_tracing_ui_has_a_place_for_the_id(
    tmp_path: Path, address: str, said: str
) -> None:
    assert said in str(wrong(tmp_path, f'dashboard: {{tracing: "{address}"}}'))
    good = "https://jaeger.example/trace/{trace_id}"
    assert load(write(tmp_path, f'dashboard: {{tracing: "{good}"}}'), {}).dashboard.tracing == good


def test_an_alias_bomb_is_refused_quickly(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    assert "aliases" in wrong(tmp_path, "\n".join(lines))[0][2]


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "deeply" in wrong(tmp_path, "a: " + "[" * 5000)[0][2]


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    text = """\
sources:
  - &base {name: a, kind: kafka, bootstrap_servers: x, topics: t, group: g}
  - {<<: *base, name: b}
"""
    settings = load(write(tmp_path, text), {})
    assert [(s.name, s.group) for s in settings.sources if s.kind == "kafka"] == [("a", "g"), ("b", "g")]


def test_a_missing_file_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml", {})


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.dashboard = settings.dashboard


def test_a_listening_address_beyond_the_loopback_needs_a_word(tmp_path: Path) -> None:
    text = "dashboard: {host: 0.0.0.0, trust_network: true}"
    assert load(write(tmp_path, text), {}).dashboard.host == "0.0.0.0"
    assert load(write(tmp_path, "dashboard: {host: '::1'}"), {}).dashboard.host == "::1"
    text = "dashboard: {host: 0.0.0.0, external_url: 'https://monitor.example'}\nauth: {local: true}"
    assert load(write(tmp_path, text), {}).auth is not None


def test_open_traces_are_not_kept_shorter_than_complete_ones() -> None:
    assert RetentionSettings.model_validate({"traces": "P1D", "open": "P1D"}).open == timedelta(days=1)
    assert RetentionSettings.model_validate({"open": "PT1H"}).traces is None
    with pytest.raises(ValueError, match="open must not be shorter than traces: make it at least as long"):
        RetentionSettings.model_validate({"traces": "P2D", "open": "P1D"})
