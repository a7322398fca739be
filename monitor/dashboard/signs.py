"""Icons, and chips: a word with an icon and a tone. A list shows the same few a hundred times over, so they
are written once."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup, escape

from monitor.dashboard import body

PATHS = {
    "ok": (
        "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.3 4.6-4 4.4a.8.8 0 0 1-1.2 0L4.5 8.8l1.1-1.1"
        " 1.1 1.1 3.4-3.8Z"
    ),
    "warn": "M8 1.6 15.2 14H.8Zm-.9 4.5.2 4h1.4l.2-4Zm.9 5a.95.95 0 1 0 0 1.9.95.95 0 0 0 0-1.9Z",
    "bad": (
        "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Zm.4 3L4.5 5.6 6.9 8l-2.4 2.4 1.1 1.1L8 9."
        "1l2.4 2.4 1.1-1.1L9.1 8l2.4-2.4-1.1-1.1L8 6.9Z"
    ),
    "run": (
        "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 1.5a5 5 0 1 1 0 10A5 5 0 0 1 8 3Zm-.7 1.8v3."
        "6l2.6 1.6.7-1.2-1.9-1.1V4.8Z"
    ),
    "risk": "M3.5 1.5h9V3l-3.4 5 3.4 5v1.5h-9V13l3.4-5-3.4-5Zm2 1.5L8 6.7 10.5 3Z",
    "blind": (
        "M2.5 1.4 1.4 2.5l2.4 2.4A10.6 10.6 0 0 0 .7 8s2.6 5 7.3 5c1.2 0 2.3-.3 3.2-.8l2.3 2.3 1.1-1."
        "1ZM8 11.5c-3 0-5-2.3-5.6-3.5.4-.7 1.2-1.7 2.4-2.5l1.3 1.3a2.3 2.3 0 0 0 3.1 3.1l.9.9c-.6.4-1"
        ".3.7-2.1.7ZM8 3c-.7 0-1.4.1-2 .3l1.3 1.3L8 4.5c3 0 5 2.3 5.6 3.5-.3.5-.7 1.1-1.3 1.7l1.1 1.1"
        "A10 10 0 0 0 15.3 8S12.7 3 8 3Z"
    ),
    "none": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM4.5 7.2h7v1.6h-7Z",
    "what": (
        "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 2.3c1.5 0 2.5.9 2.5 2.2 0 1-.6 1.5-1.1 1.9-."
        "5.4-.7.6-.7 1.2H7.3c0-1.3.6-1.8 1.1-2.2.4-.3.6-.5.6-.9 0-.4-.4-.7-1-.7s-1 .4-1.1 1l-1.4-.2c."
        "2-1.4 1.2-2.3 2.5-2.3Zm0 6.4a1 1 0 1 1 0 2 1 1 0 0 1 0-2Z"
    ),
    "mail": "M1.5 3h13v10h-13Zm1.5 2v6.5h10V5L8 8.9Zm1.4-.5L8 7.2l3.6-2.7Z",
}
"""What each icon is drawn by, in a square of 16."""


@lru_cache(maxsize=64)
def icon(name: str) -> Markup:
    """Raises KeyError for one that there is not."""
    return Markup(
        '<svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">'
        '<path fill="currentColor" fill-rule="evenodd" d="{}"/></svg>'
    ).format(PATHS[name])


@lru_cache(maxsize=1024)
def chip(tone: str, sign: str, word: str, title: str = "") -> Markup:
    told = Markup(' title="{}"').format(_said(title)) if title else Markup("")
    return Markup('<span class="chip {}"{}>{}{}</span>').format(tone, told, icon(sign), _said(word))


def _said(text: str) -> Markup:
    return escape(body.inert(text, body.SHOWN_AT_ALL))
