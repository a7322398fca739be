"""``alerts``: Alertmanager's words, and what is wrong said with its place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alert_policy import policy_of
from monitor.alerts.intervals import Interval
from monitor.alerts.policy import Policy
from monitor.settings import load
from monitor.settings.load import InvalidConfig

HOOK = "webhook: {url: 'https://example.com/'}"

WHOLE = f"""
alerts:
  receivers:
    - {{name: ops, {HOOK}}}
    - {{name: pager, {HOOK}, send_resolved: false}}
    - {{name: boss, {HOOK}, digest: {{at: "08:00", timezone: Europe/Berlin}}}}
  route:
    receiver: ops
    group_by: [alertname, flow]
    group_wait: 10s
    repeat_interval: P1D
    routes:
      - matchers: ['severity="critical"']
        receiver: pager
        group_wait: 0s
        repeat_interval: 1h30m
        continue: true
        routes:
          - matchers: [flow="refund"]
            group_by: [trace]
            mute_time_intervals: [night]
      - matchers: 'flow=~"order|refund"'
        receiver: boss
  inhibit_rules:
    - source_matchers: ['alertname="SourceBlind"']
      target_matchers: ['alertname="BurnRate"']
      equal: [flow]
  time_intervals:
    - name: night
      time_intervals:
        - times: [{{start_time: "22:00", end_time: "24:00"}}, {{start_time: "00:00", end_time: "06:00"}}]
          location: Europe/Berlin
        - weekdays: ["saturday:sunday"]
          days_of_month: ["1", "-3:-1"]
          months: ["december:december", "1:2"]
          years: [2026]
"""


def read(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "choreoscope.yaml"
    file.write_text(text)
    settings = load(file, {})
    assert settings.alerts is not None
    return policy_of(settings.alerts, "http://here")


def test_routes_have_what_they_do_not_say_from_above(tmp_path: Path) -> None:
    root, critical, refund, boss = read(tmp_path, WHOLE).route.all()
    assert (root.key, root.receiver, root.group_wait) == ("{}", "ops", timedelta(seconds=10))
    assert root.repeat_interval == timedelta(days=1)
    assert critical.key == '{}/{severity="critical"}'
    assert (critical.receiver, critical.group_wait, critical.continues) == ("pager", timedelta(0), True)
    assert critical.repeat_interval == timedelta(minutes=90)
    assert critical.group_interval == timedelta(minutes=5)
    assert critical.group_by == ("alertname", "flow")
    assert (refund.receiver, refund.group_by, refund.mute_times) == ("pager", ("trace",), ("night",))
    assert (boss.receiver, boss.mute_times, boss.continues) == ("boss", (), False)


def test_times_rules_and_digests_are_understood(tmp_path: Path) -> None:
    policy = read(tmp_path, WHOLE)
    night, days = policy.intervals["night"]
    assert night == Interval(times=((1320, 1440), (0, 360)), zone=ZoneInfo("Europe/Berlin"))
    assert days.weekdays == ((5, 6),)
    assert days.days == ((1, 1), (-3, -1))
    assert (days.months, days.years) == (((12, 12), (1, 2)), ((2026, 2026),))
    assert policy.rules[0].equal == ("flow",)
    digest = policy.receivers["boss"].digest
    assert digest is not None
    assert digest.next(datetime(2026, 7, 1, 6, tzinfo=UTC)) == datetime(2026, 7, 2, 6, tzinfo=UTC)
    assert digest.next(datetime(2026, 3, 28, 7, tzinfo=UTC)) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_an_alert_goes_where_its_labels_say(tmp_path: Path) -> None:
    policy = read(tmp_path, WHOLE)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    labels = {"alertname": "SlaBreached", "severity": "critical", "flow": "refund", "trace": "7"}
    pager, boss = policy.targets(labels, now)
    assert (pager.receiver, pager.labels, pager.first) == ("pager", {"trace": "7"}, now)
    assert (boss.receiver, boss.route, boss.labels) == ("boss", "digest", {})
    assert boss.first == datetime(2026, 3, 1, 7, tzinfo=UTC)
    lost = {"alertname": "ReceiverDisabled", "receiver": "ops", "severity": "critical"}
    assert [one.receiver for one in policy.targets(lost, now)] == ["pager"]
    lost = {"alertname": "ReceiverDisabled", "receiver": "ops", "severity": "warning"}
    assert [one.receiver for one in policy.targets(lost, now)] == ["boss", "pager"]


SMALL = f"alerts: {{receivers: [{{name: ops, {HOOK}}}], route: {{receiver: ops, "


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("alerts: {}", "alerts.receivers", "is required"),
        (
            f"alerts: {{receivers: [{{name: a, {HOOK}}}], route: {{receiver: b}}}}",
            "alerts.route.receiver",
            "is a",
        ),
        (SMALL + "routes: [{receiver: opps}]}}", "alerts.route.routes[0].receiver", "there is ops"),
        (SMALL + "group_wait: soon}}", "alerts.route.group_wait", "not an ISO 8601 duration"),
        (SMALL + "group_interval: 0s}}", "alerts.route.group_interval", "longer than zero"),
        (SMALL + "mute_time_intervals: [n]}}", "alerts.route.mute_time_intervals[0]", "none is configured"),
        (SMALL + "routes: [{matchers: [severity]}]}}", "alerts.route.routes[0].matchers", "is no matcher"),
        (
            SMALL + "routes: [{matchers: ['alertname=\"SlaBreech\"']}]}}",
            "alerts.route.routes[0].matchers[0]",
            "there is AfterEnd",
        ),
        (SMALL + "matchers: ['a=\"b\"']}}", "alerts.route.matchers", "unknown key"),
        (SMALL + "}, retry: {base: 2h}}", "alerts.retry", "base must not be longer"),
        (
            SMALL + "}, time_intervals: [{name: n, time_intervals: [{weekdays: [mon]}]}]}",
            "alerts.time_intervals[0].time_intervals[0].weekdays",
            "monday to sunday",
        ),
        (
            SMALL + "}, time_intervals: [{name: n, time_intervals: [{days_of_month: ['5:1']}]}]}",
            "alerts.time_intervals[0].time_intervals[0].days_of_month",
            "ends before it begins",
        ),
        (
            SMALL + "}, time_intervals: [{name: n, time_intervals: [{times: ["
            "{start_time: '22:00', end_time: '06:00'}]}]}]}",
            "alerts.time_intervals[0].time_intervals[0].times[0]",
            "past midnight takes two",
        ),
        (
            f"alerts: {{receivers: [{{name: a, {HOOK}}}, {{name: a, {HOOK}}}], route: {{receiver: a}}}}",
            "alerts.receivers[1].name",
            "is used 2 times",
        ),
        (
            "alerts: {receivers: [{name: a, email: {to: a@b.example, from: c@d.example}}],"
            " route: {receiver: a}}",
            "alerts.receivers[0].email",
            "no mail server",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, key: str, said: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(tmp_path, text)
    told = [(one.key, one.message) for one in caught.value.problems]
    assert any(at == key and said in message for at, message in told), told
