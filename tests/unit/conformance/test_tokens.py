"""Each BPMN construct as the token game plays it (OMG formal/2013-12-09, chapter 13).

A case gives words by what becomes of them: ``fits`` are whole runs, ``open`` beginnings of such, ``not``
words the flow does not allow. Single letters are labels.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.document import TASKS
from monitor.bpmn.flow import Flow
from monitor.conformance import automaton as automata
from monitor.conformance import explore
from monitor.conformance.automaton import Automaton
from tests.support.flows import flow_of, tasks

BEGIN, END = '<startEvent id="s"/>', '<endEvent id="e"/>'


def outcome(flow: Flow, word: str) -> str:
    automaton = Automaton(flow)
    state = automaton.initial
    for label in word.split() if " " in word else word:
        following = automaton.step(state, label)
        if following is None:
            return "not"
        state = following
        assert not state.undecided
    return "fits" if state.final else "open"


def check(model: str | Flow, fits: str = "", open_: str = "", deviate: str = "") -> None:
    """Words are separated by commas; the empty word is written ``-``."""
    flow = model if isinstance(model, Flow) else flow_of(model)
    expected = {
        word.strip(): kind
        for kind, words in (("fits", fits), ("open", open_), ("not", deviate))
        for word in words.split(",")
        if word.strip()
    }
    assert expected
    assert {word: outcome(flow, "" if word == "-" else word) for word in expected} == expected


def event(kind: str, id_: str, *triggers: str, name: str | None = None, **attributes: str) -> str:
    """An event element; a trigger is ``message``, ``timer`` ..., or ``error:reference``."""
    said = "".join(
        f' {key}="{value}"' for key, value in {"id": id_, "name": name, **attributes}.items() if value
    )
    inner = ""
    for trigger in triggers:
        what, _, reference = trigger.partition(":")
        key = "name" if what == "link" else f"{what}Ref"
        inner += f"<{what}EventDefinition" + (f' {key}="{reference}"/>' if reference else "/>")
    return f"<{kind} {said}>{inner}</{kind}>"


def message(kind: str, name: str) -> str:
    return event(kind, name, "message", name=name)


def boundary(id_: str, owner: str, *triggers: str, interrupting: bool = True) -> str:
    """Named like its id where it waits for a message or signal."""
    told = id_ if triggers[0].partition(":")[0] in ("message", "signal") else None
    return event(
        "boundaryEvent",
        id_,
        *triggers,
        name=told,
        attachedToRef=owner,
        cancelActivity=str(interrupting).lower(),
    )


def sub(id_: str, content: str) -> str:
    """A subprocess on one line, its ``a -> b`` written out."""
    parts: list[str] = []
    number = 0
    for line in content.strip().splitlines():
        names = [name.strip() for name in line.split("->")]
        if len(names) == 1:
            parts.append(line)
        for source, target in pairwise(names):
            number += 1
            parts.append(f'<sequenceFlow id="{id_}{number}" sourceRef="{source}" targetRef="{target}"/>')
    return f'<subProcess id="{id_}">{"".join(parts)}</subProcess>'


# activities and events ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(TASKS | {"callActivity"}))
def test_every_kind_of_task_is_seen(kind: str) -> None:
    check(f'{BEGIN}\n<{kind} id="A" name="A"/>\n{tasks("B")}\ns -> A -> B', "AB", "-, A", "B, AA, ABA")


@pytest.mark.parametrize("kind", ["intermediateCatchEvent", "intermediateThrowEvent", "endEvent"])
@pytest.mark.parametrize("trigger", ["message", "signal"])
def test_message_and_signal_events_are_seen(kind: str, trigger: str) -> None:
    model = f"{BEGIN}\n{tasks('A')}\n{event(kind, 'M', trigger, name='M')}\ns -> A -> M"
    check(model, "AM", "-, A", "M, AMA")


@pytest.mark.parametrize("trigger", ["timer", "conditional"])
def test_timers_and_conditions_pass_silently(trigger: str) -> None:
    model = f"{BEGIN}\n{tasks('A', 'B')}\n{event('intermediateCatchEvent', 't', trigger)}\ns -> A -> t -> B"
    check(model, "AB", "-, A", "B")


def test_none_events_pass_silently() -> None:
    model = (
        f'{BEGIN}\n{tasks("A", "B")}\n<intermediateThrowEvent id="n" name="n"/>\n{END}\ns -> A -> n -> B -> e'
    )
    check(model, "AB", "A", "B, AnB")


def test_a_message_start_is_the_first_event() -> None:
    check(f"{message('startEvent', 'S')}\n{tasks('A')}\nS -> A", "SA", "-, S", "A, SS")


def test_several_message_starts_are_alternatives() -> None:
    model = f"{message('startEvent', 'S')}\n{message('startEvent', 'T')}\n{tasks('A', 'B')}\nS -> A\nT -> B"
    check(model, "SA, TB", "-, S, T", "SB, ST, A, SAT")


def test_a_message_start_beside_a_none_start() -> None:
    model = f"{message('startEvent', 'S')}\n{BEGIN}\n{tasks('A', 'B')}\nS -> A -> B\ns -> B"
    check(model, "SAB, B", "-, SA", "A, SB, BA")


def test_several_none_starts_are_alternatives() -> None:
    model = f'{BEGIN}\n<startEvent id="s2"/>\n{tasks("A", "B")}\ns -> A\ns2 -> B'
    check(model, "A, B", "-", "AB, BA")


def test_without_start_event_everything_begins() -> None:
    check(f"{tasks('A', 'B', 'C')}\nA -> C", "ACB, BAC, ABC", "-, A, B, AC", "C, CA, AA")


def test_without_start_event_gateways_and_subprocesses_begin() -> None:
    model = f"""
    <exclusiveGateway id="x"/> {tasks("A", "B", "D")}
    {sub("u", tasks("C"))}
    <parallelGateway id="p"/>
    x -> A
    x -> B
    p -> D
    """
    check(model, "ACD, BDC, DCA", "AC, -", "AB, CC, ACDB")


def test_several_ends_each_consume_their_token() -> None:
    model = f"""
    {BEGIN} {END} <endEvent id="e2"/> <parallelGateway id="p"/> {tasks("A", "B")}
    s -> p -> A -> e
    p -> B -> e2
    """
    check(model, "AB, BA", "A, B", "AA")


def test_a_flow_that_only_ends() -> None:
    check(f"{BEGIN} {END} {tasks('A')}\n<exclusiveGateway id='x'/>\ns -> x -> e\nx -> A", "-, A", "", "AA")


# gateways ----------------------------------------------------------------------------------------------


def test_exclusive_with_default() -> None:
    model = f"""
    {BEGIN} <exclusiveGateway id="x" default="f3"/> {tasks("A", "B", "C")}
    s -> A -> x -> B
    x -> C
    """
    check(model, "AB, AC", "A", "ABC, B")


def test_exclusive_loop() -> None:
    model = f"""
    {BEGIN} <exclusiveGateway id="m"/> <exclusiveGateway id="x"/> {tasks("A", "B", "C")}
    s -> m -> A -> x -> C
    x -> B -> m
    """
    check(model, "AC, ABAC, ABABAC", "A, AB, ABA", "AA, ABC, BA, ACB")


def test_parallel() -> None:
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <parallelGateway id="q"/> {tasks("A", "B", "C", "D")}
    s -> p -> A -> B -> q -> D
    p -> C -> q
    """
    check(model, "ABCD, ACBD, CABD", "A, C, AC, ABC", "B, D, ABD, ACD, AA, CC")


def test_parallel_in_parallel() -> None:
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <parallelGateway id="q"/> {tasks("A", "B", "C", "D")}
    <parallelGateway id="i"/> <parallelGateway id="j"/>
    s -> p -> i -> A -> j -> q -> D
    i -> B -> j
    p -> C -> q
    """
    check(model, "ABCD, CBAD, BCAD", "AB, CA", "ABD, CD, CAD")


def test_an_uncontrolled_merge_lets_every_token_through() -> None:
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <exclusiveGateway id="m"/> {tasks("A", "B", "C")}
    s -> p -> A -> m -> C
    p -> B -> m
    """
    check(model, "ABCC, ACBC, BCAC", "ABC, ACB, AC", "C, ACC, ABCCC")


def test_a_parallel_join_takes_one_token_of_each_flow() -> None:
    """Two tokens come by one side, one by the other: one stays behind for ever."""
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <parallelGateway id="j"/> <exclusiveGateway id="m"/> {tasks(*"ABCD")}
    s -> p -> A -> m -> j -> D
    p -> B -> m
    p -> C -> j
    """
    check(model, "", "AB, ACD, ABCD, CABD", "D, AD, CD, ABCDD")


def test_inclusive_takes_any_of_its_flows() -> None:
    model = f"""
    {BEGIN} <inclusiveGateway id="o"/> <inclusiveGateway id="j"/> {tasks(*"ABCD")}
    s -> o -> A -> j -> D
    o -> B -> j
    o -> C -> j
    """
    check(model, "AD, BD, ABD, BACD, CBAD", "-, A, AB, ABC", "D, AA, ADB, ABDC")


def test_inclusive_default_is_alone() -> None:
    model = f"""
    {BEGIN} <inclusiveGateway id="o" default="f4"/> <inclusiveGateway id="j"/> {tasks(*"ABCD")}
    s -> o -> A -> j
    o -> C -> j -> D
    o -> B -> j
    """
    check(model, "AD, BD, ABD, CD", "C", "CAD, ACD, CBD")


def test_inclusive_join_in_a_loop() -> None:
    model = f"""
    {BEGIN} <exclusiveGateway id="m"/> <inclusiveGateway id="o"/> <inclusiveGateway id="j"/>
    <exclusiveGateway id="x"/> {tasks(*"ABC")}
    s -> m -> o -> A -> j -> C -> x
    o -> B -> j
    x -> m
    """
    check(model, "", "AC, ABC, ACBC, BACABC, AB", "C, ACC, AA, ABCCA")


def test_inclusive_join_of_an_unstructured_graph_waits_only_for_what_can_come() -> None:
    """C leads round the join: while A is under way the join waits, while only C is it does not."""
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <inclusiveGateway id="j"/> <exclusiveGateway id="x"/> {tasks(*"ABCD")}
    s -> p -> A -> x -> j -> D
    x -> C
    p -> B -> j
    """
    check(model, "ABD, BACD, BADC, ABCD, ABDC", "BA, AC, AB", "BD, AD, ACD")


def test_an_inclusive_gateway_joins_and_splits_at_once() -> None:
    model = f"""
    {BEGIN} <parallelGateway id="p"/> <inclusiveGateway id="j"/> {tasks(*"ABCD")}
    s -> p -> A -> j -> C
    p -> B -> j -> D
    """
    check(model, "ABC, ABD, BADC, ABCD", "AB, A", "AC, ABCC, ABDCC")


def test_event_based_gateway() -> None:
    model = f"""
    {BEGIN} <eventBasedGateway id="g"/> {tasks(*"ABC")} {message("intermediateCatchEvent", "M")}
    <receiveTask id="R" name="R"/> {event("intermediateCatchEvent", "t", "timer")}
    s -> g -> M -> A
    g -> R -> B
    g -> t -> C
    """
    check(model, "MA, RB, C", "M, R", "A, MB, MR, MC, CM")


def test_an_event_based_gateway_begins_the_process() -> None:
    model = f"""
    <eventBasedGateway id="g" instantiate="true"/> {message("intermediateCatchEvent", "M")}
    {message("intermediateCatchEvent", "N")} {tasks("A")}
    g -> M -> A
    g -> N -> A
    """
    check(model, "MA, NA", "M", "A, MN")


def test_a_task_splits_to_all_its_flows_and_merges_each_token() -> None:
    check(f"{BEGIN} {tasks(*'ABCD')}\ns -> A -> B -> D\nA -> C -> D", "ABCDD, ACDBD", "ABCD, A", "ABB, AD")


def conditional(task: str, *targets: str, default: str = "", always: str = "") -> str:
    flows = "".join(
        f'<sequenceFlow id="{task}{target}" sourceRef="{task}" targetRef="{target}">'
        + ("" if target in (default, always) else "<conditionExpression>x</conditionExpression>")
        + "</sequenceFlow>"
        for target in targets
    )
    return (
        f'<task id="{task}" name="{task}"' + (f' default="{task}{default}"' if default else "") + f"/>{flows}"
    )


def test_conditional_flows_out_of_a_task() -> None:
    check(f"{BEGIN} {tasks(*'BC')}\n{conditional('A', 'B', 'C')}\ns -> A", "AB, AC, ABC, ACB", "A", "AA, ABB")


def test_conditional_flows_with_a_default() -> None:
    model = f"{BEGIN} {tasks(*'BCD')}\n{conditional('A', 'B', 'C', 'D', default='D')}\ns -> A"
    check(model, "AB, AC, ABC, AD", "A", "ABD, ADB")


def test_conditional_flows_beside_an_unconditional_one() -> None:
    check(
        f"{BEGIN} {tasks(*'BC')}\n{conditional('A', 'B', 'C', always='B')}\ns -> A",
        "AB, ABC, ACB",
        "AC",
        "ABB",
    )


def test_conditional_flows_out_of_a_start_event() -> None:
    model = f"{conditional('S', 'A', 'B').replace('task', 'startEvent')}\n{tasks('A', 'B')}"
    model = model.replace('name="S"/>', 'name="S"><messageEventDefinition/></startEvent>')
    check(model, "SA, SB, SAB", "S, -", "A, SAA")


# subprocesses ------------------------------------------------------------------------------------------


def test_a_subprocess_ends_when_all_its_tokens_are_gone() -> None:
    inner = f"{tasks('A', 'B')}\n<startEvent id='i'/>\n<parallelGateway id='p'/>\ni -> p -> A\np -> B"
    check(f"{BEGIN} {tasks('C')}\n{sub('u', inner)}\ns -> u -> C", "ABC, BAC", "A, AB", "C, AC, ABA")


def test_subprocess_in_subprocess() -> None:
    inner = sub("v", "<startEvent id='i'/>" + tasks("A") + "\ni -> A")
    check(f"{BEGIN} {tasks('B')}\n{sub('u', inner)}\ns -> u -> B", "AB", "A, -", "B")


def test_an_empty_subprocess_passes() -> None:
    check(f'{BEGIN} {tasks("A")}\n<subProcess id="u"/>\ns -> u -> A', "A", "-", "AA")


def test_each_token_opens_its_own_subprocess() -> None:
    inner = sub("u", "<startEvent id='i'/>" + tasks("A", "B") + "\ni -> A -> B")
    model = f"{BEGIN} {tasks('C')}\n<parallelGateway id='p'/>\n{inner}\ns -> p\np -> u\np -> u\nu -> C"
    check(model, "ABCABC, AABBCC, ABACBC", "AAB, ABC", "AAA, ABB, ABCC")


# boundary events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["message", "signal"])
def test_interrupting_boundary_event_on_a_task(trigger: str) -> None:
    model = f"{BEGIN} {tasks(*'ABC')}\n{boundary('M', 'A', trigger)}\ns -> A -> B\nM -> C"
    check(model, "AB, MC", "A, M", "MA, AM, MB, MM, AC")


@pytest.mark.parametrize("trigger", ["timer", "conditional", "error", "escalation"])
def test_silent_interrupting_boundary_event_on_a_task(trigger: str) -> None:
    model = f"{BEGIN} {tasks(*'ABC')}\n{boundary('t', 'A', trigger)}\ns -> A -> B\nt -> C"
    check(model, "AB, C", "A", "CA, AC, CB")


def test_non_interrupting_message_may_come_again_and_again_while_the_task_is_due() -> None:
    model = (
        f"{BEGIN} {tasks(*'ABC')}\n{boundary('M', 'A', 'message', interrupting=False)}\ns -> A -> B\nM -> C"
    )
    check(model, "AB, MCAB, MACB, MMACBC", "M, MA, MCMAB", "AM, MCC, C")


def test_non_interrupting_timer_fires_once_while_the_task_is_due() -> None:
    model = f"{BEGIN} {tasks(*'ABC')}\n{boundary('t', 'A', 'timer', interrupting=False)}\ns -> A -> B\nt -> C"
    check(model, "AB, ACB, CAB, ABC", "A, C, CA", "CC, CAC, ACC")


def test_a_timer_fires_anew_in_each_round() -> None:
    model = f"""
    {BEGIN} {tasks(*"AC")} <exclusiveGateway id="m"/> <exclusiveGateway id="x"/> {END}
    {boundary("t", "A", "timer", interrupting=False)}
    s -> m -> A -> x -> e
    x -> m
    t -> C
    """
    check(model, "A, CA, CACA, AACC, CAAC", "C", "CC, CACCA")


def body(*after: str) -> str:
    """A -> B in a subprocess u between P and Q; ``after`` are further lines."""
    inner = sub("u", f"<startEvent id='i'/>{tasks('A', 'B')}\ni -> A -> B")
    return "\n".join([f"{BEGIN} {tasks('P', 'Q', 'C')}", inner, "s -> P -> u -> Q", *after])


def test_interrupting_boundary_event_on_a_subprocess() -> None:
    model = body(boundary("M", "u", "message"), "M -> C")
    check(model, "PABQ, PMC, PAMC, PABMC", "PAB, PAM", "MC, PAMB, PAMQ, PABQM, PMM")


def test_a_timer_on_a_subprocess() -> None:
    model = body(boundary("t", "u", "timer"), "t -> C")
    check(model, "PABQ, PC, PAC, PABC", "PA", "PCA, PACB, PABQC")


def test_non_interrupting_boundary_events_on_a_subprocess() -> None:
    model = body(boundary("M", "u", "message", interrupting=False), "M -> C")
    check(model, "PABQ, PMCABQ, PAMBQC, PAMMBCQC", "PM, PAMBC", "PABQM, MC")
    model = body(boundary("t", "u", "timer", interrupting=False), "t -> C")
    check(model, "PABQ, PCABQ, PABQC, PACBQ", "PC", "PCC, PCABCQ, CPABQ")


def test_interrupting_takes_nested_scopes_with_it_and_leaves_what_is_beside() -> None:
    inner = sub("v", f"<startEvent id='i'/>{tasks('A', 'B')}\ni -> A -> B")
    outer = sub("u", f"<startEvent id='j'/>{inner}{tasks('K')}\nj -> v\nj -> K")
    model = f"""
    {BEGIN} {tasks("L", "C")} <parallelGateway id="p"/> {boundary("M", "u", "message")}
    {outer}
    s -> p -> u
    p -> L
    M -> C
    """
    check(model, "ABKL, LAMC, AMLC, MCL, KABL", "AM, ML, AMC", "AMBL, AMKL, MAL, LMLC")


def test_interrupting_one_of_two_instances_leaves_the_other() -> None:
    inner = sub("u", "<startEvent id='i'/>" + tasks("A", "B") + "\ni -> A -> B")
    model = f"""
    {BEGIN} {tasks("C")} <parallelGateway id="p"/> {boundary("M", "u", "message")}
    {inner}
    s -> p
    p -> u
    p -> u
    M -> C
    """
    check(model, "ABAB, AMABC, MABC, MMCC, AAMBC", "AAM, MAC", "AMMAB, MMA, MMM")


# errors and escalations --------------------------------------------------------------------------------

DEFINED = """<error id="E1" name="one" errorCode="1"/><error id="E2" name="two" errorCode="2"/>
<escalation id="X1" name="esc" escalationCode="1"/>"""


def thrown(kind: str, *after: str, end: str = "endEvent") -> Flow:
    """In subprocess u: A, then either B or what is thrown."""
    inner = sub(
        "u",
        f"<startEvent id='i'/>{tasks('A', 'B')}<exclusiveGateway id='x'/>{event(end, 'z', kind)}\n"
        "i -> A -> x -> B\nx -> z" + ("\nz -> B" if end != "endEvent" else ""),
    )
    content = "\n".join([f"{BEGIN} {tasks('Q', 'C', 'D')}", inner, "s -> u -> Q", *after])
    return flow_of(content, definitions=DEFINED)


def test_an_error_end_event_is_caught_at_the_boundary() -> None:
    flow = thrown("error:E1", boundary("b", "u", "error:E1"), "b -> C")
    check(flow, "ABQ, AC", "A, AB", "C, ABC, ACB, ACQ, AQ")


def test_an_error_boundary_event_fires_by_itself_where_nothing_inside_throws() -> None:
    check(body(boundary("t", "u", "error"), "t -> C"), "PABQ, PC, PAC", "PA", "PCA")


def test_the_code_decides_who_catches() -> None:
    both = (boundary("b", "u", "error"), "b -> C", boundary("c", "u", "error:E1"), "c -> D")
    check(thrown("error:E1", *both), "AD, ABQ, C", "A", "ADB, AQ")
    check(thrown("error:E2", *both), "AC, ABQ, D", "A", "ACB, AQ")


def test_an_error_of_another_code_is_not_caught() -> None:
    """It ends the process; the boundary event of the other code may fire by itself."""
    flow = thrown("error:E2", boundary("b", "u", "error:E1"), "b -> C")
    check(flow, "A, ABQ, AC, C", "AB", "AQ, ACB")


def test_an_error_nobody_catches_ends_the_process() -> None:
    inner = sub("u", f"<startEvent id='i'/>{tasks('A')}{event('endEvent', 'z', 'error:E1')}\ni -> A -> z")
    model = f"{BEGIN} {tasks('L')}\n<parallelGateway id='p'/>\n{inner}\ns -> p -> u\np -> L"
    check(flow_of(model, definitions=DEFINED), "A, LA, AL", "L, -", "ALA, LL")


def two_levels(*after: str, kind: str = "error:E1") -> Flow:
    inner = sub("v", f"<startEvent id='i'/>{tasks('A')}{event('endEvent', 'z', kind)}\ni -> A -> z")
    outer = sub(
        "u", f"<startEvent id='j'/>{inner}{tasks('K', 'N')}{after[0]}\nj -> v -> N\nj -> K" + after[1]
    )
    content = "\n".join([f"{BEGIN} {tasks('Q', 'C', 'D')}", outer, "s -> u -> Q", *after[2:]])
    return flow_of(content, definitions=DEFINED)


def test_an_error_is_caught_two_levels_up() -> None:
    flow = two_levels("", "", boundary("b", "u", "error:E1"), "b -> C")
    check(flow, "AC, KAC", "A, K, AK", "AKN, AN, ACK, AKQ, KANQ")


def test_the_nearest_catcher_catches() -> None:
    flow = two_levels(boundary("b", "v", "error:E1"), "\nb -> N", boundary("c", "u", "error:E2"), "c -> D")
    check(flow, "AKNQ, KANQ, ANKQ, AD, D", "A, KA", "AQ, ADK, KADN")


def test_an_escalation_that_does_not_interrupt_goes_on_inside() -> None:
    flow = thrown(
        "escalation:X1",
        boundary("b", "u", "escalation:X1", interrupting=False),
        "b -> C",
        end="intermediateThrowEvent",
    )
    check(flow, "ABQ, ACBQ, ABCQ, ABQC", "AC, ABC", "C, ACC, CABQ, ACQ")


def test_an_escalation_that_interrupts_ends_the_subprocess() -> None:
    flow = thrown(
        "escalation:X1", boundary("b", "u", "escalation:X1"), "b -> C", end="intermediateThrowEvent"
    )
    check(flow, "ABQ, AC", "A", "ACB, ACQ, ABC")


def test_an_escalation_end_event_that_does_not_interrupt_ends_the_subprocess_regularly() -> None:
    flow = thrown("escalation:X1", boundary("b", "u", "escalation:X1", interrupting=False), "b -> C")
    check(flow, "ABQ, ACQ, AQC", "AC, AQ", "ABC, ACB, CA")


def test_an_escalation_that_does_not_interrupt_two_levels_up() -> None:
    flow = two_levels(
        "", "", boundary("b", "u", "escalation:X1", interrupting=False), "b -> C", kind="escalation:X1"
    )
    check(flow, "ANKQC, ACNKQ, KANQC", "A, AC, ANK", "AQ, CA, ANKQCC")


def test_an_escalation_nobody_catches_goes_on() -> None:
    check(thrown("escalation:X1", end="intermediateThrowEvent"), "ABQ", "A", "AQ")
    check(thrown("escalation:X1"), "ABQ, AQ", "A", "AQB")


def test_terminate_ends_its_scope_only() -> None:
    stop = event("endEvent", "z", "terminate")
    model = f"{BEGIN} {tasks('A', 'B')}\n<parallelGateway id='p'/>\n{stop}\ns -> p -> A -> z\np -> B"
    check(model, "A, AB, BA", "B, -", "ABB, AA")
    inner = sub("u", f"<startEvent id='i'/>{tasks('A', 'B')}{stop}\ni -> A -> z\ni -> B")
    model = f"{BEGIN} {tasks('K', 'L', 'C')}\n{inner}\ns -> K -> u -> C\nK -> L"
    check(model, "KACL, KABCL, KBALC, KLAC", "KAC, KBA, KA", "KLC, KACB, KBCA")


def test_links_go_on_elsewhere() -> None:
    model = f"""
    {BEGIN} {tasks(*"ABC")} {event("intermediateThrowEvent", "l1", "link:L")}
    {event("intermediateThrowEvent", "l2", "link:L")} {event("intermediateCatchEvent", "l3", "link:L")}
    <exclusiveGateway id="x"/>
    s -> x -> A -> l1
    x -> B -> l2
    l3 -> C
    """
    check(model, "AC, BC", "A, B", "C, ABC, AB")


def test_link_catch_events_begin_nothing() -> None:
    model = f"""
    {tasks(*"AC")} {event("intermediateThrowEvent", "l1", "link:L")}
    {event("intermediateCatchEvent", "l3", "link:L")}
    A -> l1
    l3 -> C
    """
    check(model, "AC", "A, -", "C")


# labels ------------------------------------------------------------------------------------------------

LINE = f"{BEGIN} {tasks('A', 'B', 'C')}\ns -> A -> B -> C"


@pytest.mark.parametrize("named", ["B", "task-b"])
def test_what_is_said_to_be_silent_is_passed(named: str) -> None:
    flow = flow_of(
        LINE.replace('id="B"', 'id="task-b"').replace("-> B", "-> task-b"), Options(silent=frozenset({named}))
    )
    assert "B" not in flow.labels
    check(flow, "AC", "A", "ABC, C")


def test_a_silent_task_keeps_its_boundary_events() -> None:
    model = LINE + f"\n{tasks('D')}\n{boundary('M', 'B', 'message')}\nM -> D"
    check(flow_of(model, Options(silent=frozenset({"B"}))), "AC, AMD", "A, AM", "ACM, AMC")


def test_bind_by_id() -> None:
    check(flow_of(LINE, Options(bind={"X": "B"})), "AXC", "A, AX", "ABC, AC")


def test_bind_start_and_end() -> None:
    flow = flow_of(LINE, Options(bind={"X": "B:start", "Y": "B:end"}))
    check(flow, "AXYC", "AX, AXY", "AY, AXC, AXX, AYXC")
    flow = flow_of(LINE, Options(bind={"X": "B:start"}))
    check(flow, "AXBC", "AX", "ABC")


def test_a_bound_start_with_a_boundary_event() -> None:
    model = LINE + f"\n{tasks('D')}\n{boundary('M', 'B', 'message')}\nM -> D"
    flow = flow_of(model, Options(bind={"X": "B:start"}))
    check(flow, "AXBC, AMD, AXMD", "AX, AM", "AXBM, AMX, AXMB")


@pytest.mark.parametrize(
    "element",
    [
        event("intermediateCatchEvent", "b", "timer"),
        '<intermediateThrowEvent id="b"/>',
        event("intermediateThrowEvent", "b", "escalation"),
    ],
)
def test_bind_makes_silent_events_seen(element: str) -> None:
    start = "startEvent" in element
    model = f"{'' if start else BEGIN} {tasks('A', 'C')}\n{element}\n" + (
        "b -> C" if start else "s -> A -> b -> C"
    )
    flow = flow_of(model.replace(tasks("A"), "") if start else model, Options(bind={"X": "b"}))
    check(flow, "XC" if start else "AXC", "X" if start else "AX", "C" if start else "AC")


@pytest.mark.parametrize("kind", [(), ("terminate",), ("error",)])
def test_bind_makes_silent_ends_seen(kind: tuple[str, ...]) -> None:
    model = f"{BEGIN} {tasks('A')}\n{event('endEvent', 'z', *kind)}\ns -> A -> z"
    check(flow_of(model, Options(bind={"X": "z"})), "AX", "A", "X, AXX")


def test_bind_makes_silent_boundary_events_seen() -> None:
    model = f"{BEGIN} {tasks(*'ABC')}\n{boundary('t', 'A', 'timer')}\ns -> A -> B\nt -> C"
    check(flow_of(model, Options(bind={"X": "t"})), "AB, XC", "X", "C, AX")


def test_the_label_is_the_message_else_the_name_else_the_id() -> None:
    definitions = '<message id="m1" name="Paid"/><signal id="g1" name="Alarm"/>'
    model = f"""
    {BEGIN}
    {event("intermediateCatchEvent", "one", "message:m1", name="Payment received")}
    {event("intermediateCatchEvent", "two", "signal:g1")}
    <receiveTask id="three" name="Wait" messageRef="m1"/>
    <task id="four" name="Ship   the
    goods"/>
    <task id="five"/>
    s -> one -> two -> three -> four -> five
    """
    flow = flow_of(model.replace("the\n", "the&#10;"), definitions=definitions)
    assert flow.labels == {
        "Paid": ("one", "three"),
        "Alarm": ("two",),
        "Ship the goods": ("four",),
        "five": ("five",),
    }
    assert flow.aliases["one"] == flow.aliases["Payment received"] == ("Paid",)
    assert flow.aliases["two"] == ("Alarm",)
    assert flow.aliases["Wait"] == flow.aliases["three"] == ("Paid",)
    assert flow.aliases["four"] == ("Ship the goods",)
    assert "five" not in flow.aliases


def test_an_alias_of_two_labels_names_both() -> None:
    definitions = '<message id="m1" name="M1"/><message id="m2" name="M2"/>'
    one = event("intermediateCatchEvent", "a", "message:m1", name="Wait")
    two = event("intermediateCatchEvent", "b", "message:m2", name="Wait")
    flow = flow_of(f"{BEGIN} {one} {two}\ns -> a -> b", definitions=definitions)
    assert flow.aliases["Wait"] == ("M1", "M2")


def test_one_name_twice_is_either_element() -> None:
    model = f"""
    {BEGIN} <task id="a1" name="A"/> <task id="a2" name="A"/> {tasks("B", "C")} <exclusiveGateway id="x"/>
    s -> x -> a1 -> B
    x -> a2 -> C
    """
    flow = flow_of(model)
    assert flow.labels["A"] == ("a1", "a2")
    check(flow, "AB, AC", "A", "AA, ABC")


# bounds ------------------------------------------------------------------------------------------------

COPIER = f"""
{BEGIN} {tasks(*"AB")} <exclusiveGateway id="m"/> <parallelGateway id="p"/>
s -> m -> A -> p -> m
p -> B
"""


def test_tokens_without_bound_are_undecided_not_blamed() -> None:
    flow = flow_of(COPIER)
    automaton = Automaton(flow)
    state = automaton.initial
    for _ in range(300):
        after = automaton.step(state, "A")
        assert after is not None
        state = after
    assert state.undecided
    assert automaton.step(state, "B") is state
    assert automaton.step(state, "X") is None


@pytest.mark.parametrize(("bound", "value"), [("MAX_EXPLORED", 3), ("MAX_MARKINGS", 1)])
def test_past_a_bound_nothing_is_blamed(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    monkeypatch.setattr(explore if bound == "MAX_EXPLORED" else automata, bound, value)
    flow = flow_of(f"""
    {BEGIN} <exclusiveGateway id="x"/> <exclusiveGateway id="y"/> {tasks(*"BCD")}
    <task id="a1" name="A"/> <task id="a2" name="A"/>
    s -> x -> a1 -> B
    x -> a2 -> C
    x -> y -> D
    y -> C
    """)
    automaton = Automaton(flow)
    state = automaton.step(automaton.initial, "A")
    assert state is automaton.undecided


def test_an_undecided_union_does_not_pass_for_a_decided_state() -> None:
    automaton = Automaton(flow_of(LINE))
    known = automaton.step(automaton.initial, "A")
    assert known is not None
    unsure = automaton.union([known, automaton.undecided])
    assert unsure.undecided
    assert automaton.union([automaton.initial]) is automaton.initial
    fresh = Automaton(flow_of(LINE))
    again = fresh.step(fresh.initial, "A")
    assert again is not None
    mixed = fresh.union([again, fresh.undecided])
    assert mixed.undecided
    assert fresh.state(again.key) is again
    assert fresh.step(fresh.initial, "A") is again
    fresh.initial.moves.clear()
    assert fresh.step(fresh.initial, "A") is again


def test_memory_that_outgrew_its_bound_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    automaton = Automaton(flow_of(LINE))
    before = automaton.step(automaton.initial, "A")
    assert before is not None
    monkeypatch.setattr(automata, "MAX_STATES", 1)
    automaton.forget()
    after = automaton.state(before.key)
    assert after is not None
    assert after is not before
    assert after.key == before.key
    assert automaton.labels(after) == automaton.labels(before) == ("B",)


def test_an_inclusive_join_that_tokens_leave() -> None:
    """What else was on its way to the join went elsewhere, silently; then it fires."""
    model = flow_of(f"""
    {tasks(*"ABC")} <exclusiveGateway id="x1"/> <exclusiveGateway id="x2"/> <inclusiveGateway id="j"/>
    x1 -> A
    x1 -> j -> C
    x2 -> B
    x2 -> j
    """)
    check(model, "CB, CA, BC, AB, C", "A", "CC, CBA, ABC")
    model = flow_of(f"""
    {BEGIN} <parallelGateway id="p"/> <inclusiveGateway id="g"/> <inclusiveGateway id="j"/> {tasks(*"ABCD")}
    s -> p -> g -> j -> C
    p -> D
    g -> A -> j
    g -> B -> j
    """)
    check(model, "CD, DC, ACD, ABDC", "C, D, A", "CA, CC, CDB")
