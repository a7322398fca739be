"""Event rules as somebody types them to try: read, and kept from costing much. Pure.

What a configuration says is its author's; this may come from anybody who can open a page. YAML is bounded
where it is read (:mod:`monitor.settings.yamlfile`); here the expressions are, for some double what they work
on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jmespath

from monitor.expressions import dotted
from monitor.mapping import Rule
from monitor.settings import ConfigProblem, EventRule, InvalidConfig, Settings, read_rules

LONGEST = 10_000
"""Characters of rules that are tried."""

_MOST_STEPS = 8
_WIDEST = 64
_STEPS = frozenset(
    {"function_expression", "multi_select_list", "multi_select_dict", "flatten", "projection"}
    | {"value_projection", "filter_projection"}
)


def tried(text: str, settings: Settings) -> list[Rule]:
    """Rules from YAML text. Raises InvalidConfig, which says what is wrong where."""
    if len(text) > LONGEST:
        raise InvalidConfig(
            [ConfigProblem("rule", 1, "", f"has {len(text)} characters; {LONGEST} can be tried")]
        )
    rules = read_rules(text.replace("\r\n", "\n"), settings)
    problems = [
        ConfigProblem("rule", 1, ".".join(map(str, where)), "is too much work for a trial; simplify it")
        for rule in rules
        for where, expression in rule.expressions()
        if _costs_much(expression)
    ]
    if problems:
        raise InvalidConfig(problems)
    return [rule_of(rule) for rule in rules]


def rule_of(rule: EventRule) -> Rule:
    return Rule.of(rule.model_dump(by_alias=True))


def _costs_much(expression: str) -> bool:
    """Whether what it makes could outgrow what it is given: by many steps, by lists of many parts that
    multiply, by texts put between others."""
    if dotted(expression.strip()) is not None:
        return False
    nodes = list(_nodes(jmespath.compile(expression.strip()).parsed))
    width = 1
    for node in nodes:
        if node["type"].startswith("multi_select"):
            width *= len(node["children"])
        if node["type"] == "function_expression" and node["value"] == "join":
            glue = node["children"][0]["type"] if node["children"] else "literal"
            if glue != "literal":
                return True
    return width > _WIDEST or sum(node["type"] in _STEPS for node in nodes) > _MOST_STEPS


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.get("children", ()):
            yield from _nodes(child)
