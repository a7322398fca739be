"""The Jinja2 environment: where templates are, and the filters that write times, durations and sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from types import CodeType
from typing import Any
from urllib.parse import urlencode

import jinja2
import jinja2.bccache
from markupsafe import Markup, escape

import monitor
from monitor.dashboard import body, filtering, signs, words

STATIC = Path(__file__).parent / "static"


class _Compiled(jinja2.BytecodeCache):
    """Templates as this process has compiled them, for every environment it makes: these differ in their
    clocks only, and no clock is compiled in."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType]] = {}  # by name and file, with the digest of the source

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        digest, code = self._kept.get(bucket.key, ("", None))
        if digest == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key] = bucket.checksum, bucket.code


_COMPILED = _Compiled()


def template_directory() -> Path:
    """``templates/`` of the source tree, or the copy an installed package carries."""
    package = Path(monitor.__file__).parent
    installed = package / "_data" / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def environment(now: Callable[[], datetime]) -> jinja2.Environment:
    """Everything is autoescaped, foreign texts are made inert, and an unknown name is an error. ``now`` dates
    short times."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_directory()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    env.filters.update(
        time=partial(time_element, now=now),
        moment=partial(time_element, now=now, show="full"),
        both=partial(time_element, now=now, show="both"),
        age=lambda when: words.duration(max(now() - when, timedelta(0))),
        ago=lambda when: words.ago(now() - when),
        late=lambda delay: delay > words.LATE,
        sentence=partial(sentence_html, now=now),
        plain=words.plain,
        duration=words.duration,
        thousands=words.thousands,
        percent=words.percent,
        pairs=lambda values: [(value, value) for value in values],
        pretty=body.pretty_json,
        spell=body.inert,
    )
    env.globals.update(
        NOTICES={kind.value: text for kind, text in words.NOTICES.items()},
        KINDS={kind.value: text for kind, text in words.KINDS.items()},
        CLOCKS={state.value: text for state, text in words.CLOCKS.items()},
        REASONS=words.REASONS,
        FATES=words.FATES,
        ACTIONS=words.ACTIONS,
        count=words.count,
        icon_sign=signs.icon,
        chip_of=signs.chip,
        part=words.share_told,
        static=_static_addresses(),
        query=query,
        term=filtering.term,
        version=monitor.__version__,
    )
    return env


def _static_addresses() -> dict[str, str]:
    """File name -> address below the root with a digest, so that a new version is fetched at once."""
    return {
        file.name: f"/static/{file.name}?v={blake2b(file.read_bytes(), digest_size=6).hexdigest()}"
        for file in sorted(STATIC.iterdir())
        if file.is_file()
    }


def _inert(value: Any) -> Any:
    """What a template puts into a page. Markup was made here and is left alone; any other text may be a
    stranger's."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return body.inert(value, body.SHOWN_AT_ALL)


def query(parameters: Mapping[str, Any]) -> str:
    """A query string of what is set, or nothing at all: ``?flow=order&state=open``."""
    given = tuple(
        (name, str(value)) for name, value in parameters.items() if value is not None and value != ""
    )
    return _query(given)


@lru_cache(maxsize=4096)
def _query(given: tuple[tuple[str, str], ...]) -> str:
    """The rows of a list link to few places, again and again."""
    return f"?{urlencode(given, errors='surrogatepass')}" if given else ""


def time_element(when: datetime | None, *, now: Callable[[], datetime], show: str = "short") -> Markup:
    """A ``<time>`` in UTC that a script may turn into local time.

    ``show``: ``short`` leaves out today's date, ``full`` has the date and milliseconds, ``both`` keeps UTC
    beside the local time.
    """
    if when is None:
        return Markup('<span class="none" title="not known">–</span>')
    # a hundred of these are on a page; nothing in them is anybody's text
    instant = when.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")]
    day, _, clock = instant.partition("T")
    if show == "full":
        text = f"{day} {clock}"
    elif day == now().astimezone(UTC).date().isoformat():
        text = clock[: -len(".000")]
    else:
        text = f"{day} {clock[: -len(':00.000')]}"
    return Markup(  # noqa: S704
        f'<time datetime="{instant}Z" data-show="{show}" title="{day} {clock} UTC">{text} UTC</time>'
    )


def sentence_html(sentence: words.Sentence, *, now: Callable[[], datetime]) -> Markup:
    return Markup("").join(
        escape(body.inert(part)) if isinstance(part, str) else time_element(part, now=now)
        for part in sentence
    )
