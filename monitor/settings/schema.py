"""The JSON Schema of the configuration file, for editors and checks in a build."""

from __future__ import annotations

from typing import Any

from monitor.settings.root import Settings

_FROM_ENVIRONMENT = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of what :func:`monitor.settings.load` accepts: ``${ENV}`` may stand for any
    number or truth value, and ``KEY_file`` for any secret ``KEY``."""
    schema: dict[str, Any] = Settings.model_json_schema(by_alias=True, mode="validation")
    _widen(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Choreoscope configuration",
    }


def _widen(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _widen(item)
    elif isinstance(node, dict):
        for item in node.values():
            _widen(item)
        properties = node.get("properties")
        if isinstance(properties, dict):
            _secret_files(node, properties)
            for key, value in properties.items():
                if isinstance(value, dict) and value.get("type") in ("integer", "number", "boolean"):
                    said = {
                        name: value.pop(name) for name in ("title", "description", "default") if name in value
                    }
                    properties[key] = {**said, "anyOf": [value, _FROM_ENVIRONMENT]}


def _is_secret(value: Any) -> bool:
    options = [value, *value.get("anyOf", ())] if isinstance(value, dict) else []
    return any(isinstance(option, dict) and option.get("format") == "password" for option in options)


def _secret_files(node: dict[str, Any], properties: dict[str, Any]) -> None:
    for key in [key for key, value in properties.items() if _is_secret(value)]:
        properties[f"{key}_file"] = {"type": "string", "description": f"A file that holds {key}"}
        if key in node.get("required", ()):
            node["required"].remove(key)
            node.setdefault("allOf", []).append(
                {"oneOf": [{"required": [key]}, {"required": [f"{key}_file"]}]}
            )
