"""Conditions against an evaluator that knows no parser, no intervals and no Kleene tables: on random
expressions in both languages an answer is decided only where every value of what is not known agrees."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.bpmn.conditions import Condition, parse
from monitor.domain.event import Json
from tests.support.effort import examples

NUMBERS = ("n", "order.m")
TRUTHS = ("p", "order.q")
TEXTS = ("s", "t")
SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
JUEL_SIGNS = {"=": "==", "!=": "ne", "<": "lt", "<=": "<=", ">": ">", ">=": "ge"}

# An expression is a tuple: what it is, and its parts.
Tree = tuple[Any, ...]

values = st.integers(-4, 4)
numbers: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(
        values.map(lambda n: ("number", n)), st.sampled_from(NUMBERS).map(lambda name: ("field", name))
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner), st.tuples(st.just("negative"), inner)
    ),
    max_leaves=5,
)
texts: st.SearchStrategy[Tree] = st.one_of(
    st.sampled_from(["", "a", "b", "a'b", 'a"b', "\\"]).map(lambda text: ("text", text)),
    st.sampled_from(TEXTS).map(lambda name: ("field", name)),
)
comparisons: st.SearchStrategy[Tree] = st.one_of(
    st.tuples(st.just("compare"), st.sampled_from(list(SIGNS)), numbers, numbers),
    st.tuples(st.just("compare"), st.sampled_from(list(SIGNS)), texts, texts),
)
trees: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(
        comparisons,
        st.sampled_from(TRUTHS).map(lambda name: ("field", name)),
        st.booleans().map(lambda truth: ("truth", truth)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.just("if"), inner, inner, inner),
    ),
    max_leaves=6,
)
everything = st.fixed_dictionaries(
    {
        **{name: st.integers(-4, 4) for name in NUMBERS},
        **{name: st.booleans() for name in TRUTHS},
        **{name: st.sampled_from(["", "a", "b", "a'b"]) for name in TEXTS},
    }
)
known_names = st.sets(st.sampled_from([*NUMBERS, *TRUTHS, *TEXTS]))


def truly(tree: Tree, known: Mapping[str, Json]) -> Any:
    """What the tree is worth where every field is known."""
    match tree:
        case ("number", value):
            return Fraction(value)
        case ("text" | "truth", value):
            return value
        case ("field", name):
            return known[name]
        case ("negative", one):
            return -truly(one, known)
        case ("not", one):
            return not truly(one, known)
        case ("compare", sign, one, other):
            return SIGNS[sign](truly(one, known), truly(other, known))
        case ("if", one, then, otherwise):
            return truly(then if truly(one, known) else otherwise, known)
        case ("and" | "or" as kind, one, other):
            both = [truly(one, known), truly(other, known)]
            return all(both) if kind == "and" else any(both)
        case ("+" | "-" | "*" as sign, one, other):
            calculate = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
            return calculate(truly(one, known), truly(other, known))
    raise AssertionError(tree)


def feel(tree: Tree) -> str:
    match tree:
        case ("number", value):
            return f"({value})"
        case ("text", value):
            return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
        case ("truth", value):
            return "true" if value else "false"
        case ("field", name):
            return str(name)
        case ("negative", one):
            return f"-({feel(one)})"
        case ("not", one):
            return f"not({feel(one)})"
        case ("compare", sign, one, other):
            return f"({feel(one)} {sign} {feel(other)})"
        case ("if", one, then, otherwise):
            return f"(if {feel(one)} then {feel(then)} else {feel(otherwise)})"
        case (sign, one, other):
            return f"({feel(one)} {sign} {feel(other)})"
    raise AssertionError(tree)


def juel(tree: Tree) -> str:
    match tree:
        case ("number", value):
            return f"({value})"
        case ("text", value):
            return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))
        case ("truth", value):
            return "true" if value else "false"
        case ("field", "order.m"):
            return "execution.getVariable('order').m"
        case ("field", name):
            return str(name)
        case ("negative", one):
            return f"-({juel(one)})"
        case ("not", one):
            return f"!({juel(one)})"
        case ("compare", sign, one, other):
            return f"({juel(one)} {JUEL_SIGNS[sign]} {juel(other)})"
        case ("if", one, then, otherwise):
            return f"({juel(one)} ? {juel(then)} : {juel(otherwise)})"
        case (sign, one, other):
            return f"({juel(one)} {({'and': '&&', 'or': '||'}).get(sign, sign)} {juel(other)})"
    raise AssertionError(tree)


def conditions(tree: Tree) -> list[Condition]:
    found = [
        parse(f"={feel(tree)}"),
        parse(f"${{{juel(tree)}}}"),
        parse(feel(tree), "feel"),
        parse(juel(tree), "juel"),
    ]
    read = [one for one in found if isinstance(one, Condition)]
    assert len(read) == len(found), found
    again = [parse(f"={one.text}") for one in read]
    read += [one for one in again if isinstance(one, Condition)]
    assert len(read) == 2 * len(found), again
    return read


@given(trees, everything)
def test_with_every_field_known_it_says_what_is_true(tree: Tree, known: dict[str, Json]) -> None:
    for condition in conditions(tree):
        assert condition.holds(known) is truly(tree, known)
        nested = {name: value for name, value in known.items() if "." not in name}
        nested["order"] = {"m": known["order.m"], "q": known["order.q"]}
        assert condition.holds(nested) is truly(tree, known)
        assert condition.fields <= known.keys()


@given(trees, everything, known_names, known_names)
def test_what_is_decided_no_further_field_changes(
    tree: Tree, known: dict[str, Json], names: set[str], more: set[str]
) -> None:
    fewer = {name: known[name] for name in names}
    further = {name: known[name] for name in names | more}
    for condition in conditions(tree):
        said = condition.holds(fewer)
        if said is not None:
            assert condition.holds(further) is said
            assert truly(tree, known) is said


@given(trees, everything)
def test_truth_values_that_are_not_known_may_be_either(tree: Tree, known: dict[str, Json]) -> None:
    fewer = {name: value for name, value in known.items() if name not in TRUTHS}
    possible = {
        truly(tree, {**known, **dict(zip(TRUTHS, truths, strict=True))})
        for truths in product((True, False), repeat=len(TRUTHS))
    }
    for condition in conditions(tree):
        said = condition.holds(fewer)
        assert said is None or {said} == possible


strange = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("mq"), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    trees,
    st.dictionaries(st.sampled_from([*NUMBERS, *TRUTHS, *TEXTS, "order"]), strange),
    st.sets(st.integers(0, 6)),
)
def test_strange_values_are_no_reason_to_fail_or_to_change_ones_mind(
    tree: Tree, known: dict[str, Json], dropped: set[int]
) -> None:
    fewer = {name: value for at, (name, value) in enumerate(known.items()) if at not in dropped}
    for condition in conditions(tree):
        said = condition.holds(fewer)
        assert said is None or "order" in known or condition.holds(known) is said


WORDS = [
    *("and", "or", "not", "between", "in", "true", "false", "null", "if", "then", "else", "is", "defined"),
    *("date", "time", "duration", "empty", "eq", "ne", "lt", "gt", "le", "ge", "div", "mod", "equals"),
    *("execution", "getVariable", "a", "order", ".", "..", ",", "(", ")", "[", "]", "=", "==", "!=", "<"),
    *("<=", ">", ">=", "+", "-", "*", "/", "%", "&&", "||", "!", "?", ":", "${", "#{", "}", "1", "0.5"),
    *("1e9", "1e999999999", "1.000", "'x'", '"y"', '"', "'", "\\", "@", "§"),
]


@given(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)),
    st.sampled_from([None, "feel", "juel", "", "xpath"]),
    st.sampled_from(["", "=", "${", "#{"]),
)
@examples(150)
def test_any_text_is_understood_or_not(text: str, language: str | None, mark: str) -> None:
    found = parse(f"{mark}{text}{'}' if '{' in mark else ''}", language)
    if isinstance(found, Condition):
        assert found.holds({"a": 1, "order": {"a": "x"}}) in (True, False, None)
    else:
        assert found.reason


@given(
    st.lists(
        st.sampled_from(
            ["(", "!", "-", "not(", "1+", "a.", "a and ", "if ", "x in (", "empty ", "[", "a[", '"', "\\"]
        ),
        min_size=1,
        max_size=3,
    )
)
@examples(40)
def test_deep_and_endless_texts_are_bounded(parts: list[str]) -> None:
    whole = "".join(parts)
    for mark, end in (("=", ""), ("${", "}")):
        text = mark + whole * ((10_000 - 2) // len(whole)) + end
        found = parse(text[:10_000])
        assert not isinstance(found, Condition) or found.holds({}) in (True, False, None)
