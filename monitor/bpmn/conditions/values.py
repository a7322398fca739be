"""What terms of a condition can be worth, and how two such values compare.

Numbers are intervals of decimals: exact ones have no width, and what an engine may have rounded otherwise
than we do is as wide as the doubt. A comparison is decided where every number within says the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import Enum

from monitor.domain.event import Json


class Unknown(Enum):
    """A missing field, or what cannot be said for certain."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Number:
    """Some number from ``low`` to ``high``, both finite."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Duration:
    """ISO 8601: ``months`` where ``calendar``, else ``seconds``. One kind says nothing of the other."""

    calendar: bool
    amount: Decimal


Value = Number | str | bool | None | date | datetime | Duration | Unknown
"""None is a null that was seen; a field that was not seen is UNKNOWN."""

_DIGITS = 34  # decimal128, what FEEL engines calculate with (DMN 1.3, 10.3.2.3.1)
_DOWN = Context(prec=_DIGITS, rounding=ROUND_FLOOR, Emin=-999999, Emax=999999, traps=[])
_UP = Context(prec=_DIGITS, rounding=ROUND_CEILING, Emin=-999999, Emax=999999, traps=[])
_SAFE_DIGITS = 15
"""A decimal of so many digits survives being read as a double; of a longer one the neighbourhood does."""
_ROUNDING = Decimal(2) ** -50
_EXACT_DOUBLE = Decimal(2) ** 53
_MAX_BITS = 1024


def exact(value: Decimal) -> Number:
    return Number(value, value)


def of_json(value: Json) -> Value:
    """A kept field's value. Lists, objects and numbers past what engines hold are UNKNOWN."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return exact(Decimal(value)) if value.bit_length() <= _MAX_BITS else UNKNOWN
    if isinstance(value, float) and math.isfinite(value):
        number = Decimal(repr(value))
        digits = len(number.normalize().as_tuple().digits)
        return exact(number) if digits <= _SAFE_DIGITS else _blurred(exact(number))
    return UNKNOWN


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?=\d|T\d)(?:(?P<Y>\d{1,9})Y)?(?:(?P<M>\d{1,9})M)?(?:(?P<D>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<h>\d{1,9})H)?(?:(?P<m>\d{1,9})M)?(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)S)?)?",
    re.ASCII,
)


def to_date(value: Value) -> date | Unknown:
    """The day a text in ISO 8601 names, without time of day."""
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return UNKNOWN
    try:
        return date.fromisoformat(value)
    except ValueError:
        return UNKNOWN


def to_instant(value: Value) -> datetime | Unknown:
    """The date and time a text in ISO 8601 names, to the microsecond; without offset it is a local one."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return UNKNOWN
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return UNKNOWN


def to_duration(value: Value) -> Duration | Unknown:
    """An ISO 8601 duration: of years and months, or of days and less; not of both, which has no length."""
    if isinstance(value, Duration):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return UNKNOWN
    calendar = bool(found["Y"] or found["M"])
    if calendar and any(found[part] for part in "Dhms"):
        return UNKNOWN
    units = (("Y", 12), ("M", 1)) if calendar else (("D", 86400), ("h", 3600), ("m", 60), ("s", 1))
    amount = sum((Decimal(found[part] or 0) * size for part, size in units), Decimal(0))
    return Duration(calendar, -amount if found["sign"] else amount)


READERS: dict[str, Callable[[Value], Value]] = {
    "date": to_date,
    "date and time": to_instant,
    "duration": to_duration,
}
"""FEEL's functions from texts, by name."""

_RELATIONS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ANY = "<=>"


def compare(operator: str, left: Value, right: Value) -> bool | Unknown:
    """``operator`` is one of ``= != < <= > >=``, or ``equals`` (Java's method: texts and truth values only,
    for of two numbers it also asks what they are stored as)."""
    if operator == "equals":
        if type(left) is not type(right) or not isinstance(left, str | bool):
            return UNKNOWN
        operator = "="
    if operator not in ("=", "!=") and (_has_no_order(left) or _has_no_order(right)):
        return UNKNOWN
    wanted = _RELATIONS[operator]
    fits = [relation in wanted for relation in _relations(left, right)]
    if all(fits):
        return True
    return UNKNOWN if any(fits) else False


def _has_no_order(value: Value) -> bool:
    return value is None or isinstance(value, bool)


def _relations(left: Value, right: Value) -> str:
    """How ``left`` may stand to ``right``: those of ``<``, ``=`` and ``>`` that cannot be ruled out."""
    if left is UNKNOWN or right is UNKNOWN:
        return _ANY
    if left is None or right is None:
        return "=" if left is right else "<>"
    if isinstance(left, str) != isinstance(right, str):
        left, right = _read_alike(left, right), _read_alike(right, left)
    if type(left) is not type(right):
        return _ANY
    if isinstance(left, Number) and isinstance(right, Number):
        return _number_relations(left, right)
    if isinstance(left, bool):
        return "=" if left is right else "<>"
    if isinstance(left, str) and isinstance(right, str):
        # engines on the JVM and in browsers order texts by UTF-16 units
        return _order(_utf16(left), _utf16(right))
    if isinstance(left, datetime) and isinstance(right, datetime):
        return _instant_relations(left, right)
    if isinstance(left, date) and isinstance(right, date):
        return _order(left.toordinal(), right.toordinal())
    if isinstance(left, Duration) and isinstance(right, Duration) and left.calendar == right.calendar:
        return _order(left.amount, right.amount)
    return _ANY


def _read_alike(value: Value, other: Value) -> Value:
    """A text as what it is compared with: events carry dates and durations as texts."""
    if not isinstance(value, str):
        return value
    if isinstance(other, datetime):
        return to_instant(value)
    if isinstance(other, date):
        return to_date(value)
    return to_duration(value) if isinstance(other, Duration) else UNKNOWN


def _number_relations(left: Number, right: Number) -> str:
    relations = "<" if left.low < right.high else ""
    relations += "=" if left.low <= right.high and right.low <= left.high else ""
    return relations + (">" if left.high > right.low else "")


def _instant_relations(left: datetime, right: datetime) -> str:
    if (left.tzinfo is None) != (right.tzinfo is None):
        return _ANY
    if left == right and left.utcoffset() != right.utcoffset():
        return _ANY  # one instant told in two places: engines differ on whether that is equal
    return _order(left, right)


def _order(left: Decimal | datetime | int | bytes, right: Decimal | datetime | int | bytes) -> str:
    if left == right:
        return "="
    return "<" if left < right else ">"  # type: ignore[operator]  # both are of one type


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def calculate(operator: str, left: Value, right: Value, *, doubles: bool) -> Number | Unknown:
    """``+ - * / %`` of two numbers. ``doubles``: the engine may calculate in binary floating point."""
    if not isinstance(left, Number) or not isinstance(right, Number):
        return UNKNOWN
    if operator == "%":
        return _remainder(left, right)
    if not doubles:
        return _interval(operator, left, right)
    result = _interval(operator, _as_double(left), _as_double(right))
    if result is UNKNOWN or max(-result.low, result.high) >= _EXACT_DOUBLE:
        return UNKNOWN  # beyond, whole numbers overflow in one engine and are rounded in the other
    return _as_double(result)


def negative(value: Value) -> Number | Unknown:
    return Number(value.high.copy_negate(), value.low.copy_negate()) if isinstance(value, Number) else UNKNOWN


def _interval(operator: str, left: Number, right: Number) -> Number | Unknown:
    if operator == "/" and right.low <= 0 <= right.high:
        return UNKNOWN
    if operator == "+":
        pairs = [(left.low, right.low), (left.high, right.high)]
    elif operator == "-":
        pairs = [(left.low, right.high), (left.high, right.low)]
    else:
        pairs = [(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
    low = min(_apply(_DOWN, operator, *pair) for pair in pairs)
    high = max(_apply(_UP, operator, *pair) for pair in pairs)
    return Number(low, high) if low.is_finite() and high.is_finite() else UNKNOWN


def _apply(context: Context, operator: str, left: Decimal, right: Decimal) -> Decimal:
    return {
        "+": context.add,
        "-": context.subtract,
        "*": context.multiply,
        "/": context.divide,
    }[operator](left, right)


def _remainder(left: Number, right: Number) -> Number | Unknown:
    whole = all(
        number.low == number.high and abs(number.low) < _EXACT_DOUBLE and number.low == int(number.low)
        for number in (left, right)
    )
    if not whole or right.low == 0:
        return UNKNOWN
    return exact(left.low % right.low)


def _as_double(number: Number) -> Number:
    low = number.low
    if low == number.high and low == Decimal(float(low)):
        return number
    return _blurred(number)


def _blurred(number: Number) -> Number:
    low, high = number.low, number.high
    blur = max(abs(low), abs(high)) * _ROUNDING
    return Number(_DOWN.subtract(low, blur), _UP.add(high, blur))
