"""Chips and views of lists."""

from monitor.dashboard.filtering import Label, chips, views

LABELS = {
    "flow": Label("Flow", dependents=("version",)),
    "version": Label("Version"),
    "state": Label("State", {"open": "Open"}),
}


def test_a_chip_takes_off_its_filter_and_what_means_nothing_without_it() -> None:
    given = {"flow": "order", "version": "2", "state": "open", "sort": "first", "q": None}
    assert [(chip.name, chip.value) for chip in chips(given, LABELS)] == [
        ("Flow", "order"),
        ("Version", "2"),
        ("State", "Open"),
    ]
    flow, version, state = chips(given, LABELS)
    assert flow.rest == {"state": "open", "sort": "first", "q": None}
    assert version.rest == {"flow": "order", "state": "open", "sort": "first", "q": None}
    assert "state" not in state.rest


def test_a_view_is_nothing_but_parameters_and_knows_when_it_is_shown() -> None:
    shown, other, odd = views(
        {"state": "open", "q": None},
        [("Open", "state=open"), ("Late", "sla=breached&order=asc"), ("Odd", "q=a%20b&x=<script>")],
    )
    assert shown.chosen
    assert not other.chosen
    assert other.query == "sla=breached&order=asc"
    assert odd.query == "q=a+b&x=%3Cscript%3E"
