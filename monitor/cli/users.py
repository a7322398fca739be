"""``users`` and ``tokens``: who may log in, and which programs may ask."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from monitor.cli.options import config_option, load_settings
from monitor.domain.access import Role

if TYPE_CHECKING:
    from datetime import timedelta

    from monitor.storage.access import Access, ApiToken, User

Answer = TypeVar("Answer")

ROLES = click.Choice([role.value for role in Role])
style_option = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)
password_option = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file that holds the password ('-': standard input) [default: it is asked for].",
)
user_argument = click.argument("name")


@click.group(short_help="Who may log in to the dashboard.")
def users() -> None:
    """Users who log in to the dashboard with a password, and the roles of all users.

    \b
    Examples:
      choreoscope users add ann --role admin
      choreoscope users list
      choreoscope users role bob operator
      choreoscope users password ann
      choreoscope users disable bob

    Each takes --config (choreoscope.yaml): its database. What changes holds for dashboards that run within
    seconds, and is put down in the audit. Viewers look; operators also change what the monitor keeps; admins
    also decide who gets in.
    """


@users.command(short_help="Let somebody in, with a password.")
@config_option
@click.option("--role", type=ROLES, default=Role.VIEWER.value, show_default=True)
@password_option
@user_argument
def add(config: Path, role: str, password_file: Path | None, name: str) -> None:
    """Let NAME log in. The password is asked for, or read from --password-file.

    \b
    Examples:
      choreoscope users add ann --role admin
      choreoscope users add ann --password-file /run/secrets/ann
    """
    called = _name(name)
    password = _hashed(_password(called, password_file))

    async def adding(access: Access, now: datetime) -> None:
        await access.add_user(called, password, Role(role), _who(), now)

    _done(config, adding)
    click.echo(f"{called} may log in as {role}.")


@users.command("list", short_help="All users.")
@config_option
@style_option
def list_users(config: Path, style: str) -> None:
    """All users, with their roles."""

    async def asking(access: Access, now: datetime) -> list[User]:
        page = await access.users(now, limit=1000)
        found = list(page.rows)
        while page.next is not None:
            page = await access.users(now, page.next, 1000)
            found += page.rows
        return found

    rows = _done(config, asking)
    if style == "json":
        _json([row._asdict() for row in rows])
    elif not rows:
        click.echo("There is no user yet: choreoscope users add NAME --role admin makes the first.")
    for row in rows if style == "text" else ():
        last = "never" if row.last_login is None else f"{row.last_login:%Y-%m-%d %H:%M}Z"
        state = "  disabled" if row.disabled else ""
        click.echo(f"{row.name:<24} {row.role.value:<9} last login {last}  {row.issuer or 'password'}{state}")


@users.command(short_help="Change somebody's role.")
@config_option
@user_argument
@click.argument("role", type=ROLES)
def role(config: Path, name: str, role: str) -> None:
    """Make NAME a viewer, operator or admin."""
    called = _name(name)
    _done(config, lambda access, now: access.set_role(called, Role(role), _who(), now))
    click.echo(f"{called} is {role} now.")


@users.command("password", short_help="Set somebody's password anew.")
@config_option
@password_option
@user_argument
def set_password(config: Path, password_file: Path | None, name: str) -> None:
    """Set the password of NAME anew; all sessions of NAME end."""
    called = _name(name)
    password = _hashed(_password(called, password_file))
    _done(config, lambda access, now: access.set_password(called, password, _who(), now))
    click.echo(f"{called} has a new password, and is logged out everywhere.")


@users.command(short_help="Keep somebody out.")
@config_option
@user_argument
def disable(config: Path, name: str) -> None:
    """Keep NAME out, and log NAME out everywhere."""
    called = _name(name)
    _done(config, lambda access, now: access.set_disabled(called, True, _who(), now))
    click.echo(f"{called} is logged out, and may not log in any more.")


@users.command(short_help="Let somebody in again.")
@config_option
@user_argument
def enable(config: Path, name: str) -> None:
    """Let NAME log in again."""
    called = _name(name)
    _done(config, lambda access, now: access.set_disabled(called, False, _who(), now))
    click.echo(f"{called} may log in again.")


@users.command(short_help="Forget somebody.")
@config_option
@user_argument
def remove(config: Path, name: str) -> None:
    """Forget NAME. What NAME did stays in the audit. A user of a provider comes back with the next login
    there: disable keeps them out."""
    called = _name(name)
    _done(config, lambda access, now: access.remove_user(called, _who(), now))
    click.echo(f"{called} is no user any more.")


@click.group(short_help="Tokens by which programs use the API.")
def tokens() -> None:
    """Tokens by which programs use the API, as Authorization: Bearer chs_...

    \b
    Examples:
      choreoscope tokens create grafana --role viewer --expires P365D
      choreoscope tokens list
      choreoscope tokens revoke grafana
    """


@tokens.command(short_help="Make a token, and show it once.")
@config_option
@click.option("--role", type=ROLES, default=Role.VIEWER.value, show_default=True)
@click.option("--expires", metavar="DURATION", default="P365D", show_default=True, help="Or 'never'.")
@click.argument("name")
def create(config: Path, role: str, expires: str, name: str) -> None:
    """Make a token for the program NAME and print it. It cannot be shown again."""
    from monitor.dashboard.auth.service import TOKEN_SHOWN, digest, new_token

    lasts = _duration(expires)
    called = _name(name)
    secret = new_token()

    async def creating(access: Access, now: datetime) -> ApiToken:
        until = None if lasts is None else now + lasts
        begins = secret[:TOKEN_SHOWN]
        return await access.create_token(called, digest(secret), begins, Role(role), until, _who(), now)

    made = _done(config, creating)
    until = "until it is revoked" if made.expires is None else f"until {made.expires:%Y-%m-%d}"
    click.echo(f"Token {called}, {role}, {until}. It is shown this once:", err=True)
    click.echo(secret)


@tokens.command("list", short_help="All tokens, also those revoked.")
@config_option
@style_option
def list_tokens(config: Path, style: str) -> None:
    """All tokens, the newest first; never what they are, only how they begin."""

    async def asking(access: Access, _: datetime) -> list[ApiToken]:
        page = await access.tokens(limit=1000)
        found = list(page.rows)
        while page.next is not None:
            page = await access.tokens(page.next, 1000)
            found += page.rows
        return found

    rows = _done(config, asking)
    if style == "json":
        _json([row._asdict() for row in rows])
    elif not rows:
        click.echo("There is no token.")
    for row in rows if style == "text" else ():
        used = "never used" if row.used is None else f"used {row.used:%Y-%m-%d %H:%M}Z"
        ends = "" if row.expires is None else f"  until {row.expires:%Y-%m-%d}"
        revoked = "" if row.revoked is None else f"  revoked {row.revoked:%Y-%m-%d} by {row.revoked_by}"
        click.echo(f"{row.id:>5}  {row.begins}…  {row.name:<24} {row.role.value:<9} {used}{ends}{revoked}")


@tokens.command(short_help="Make a token worthless.")
@config_option
@click.argument("token")
def revoke(config: Path, token: str) -> None:
    """Make TOKEN (its name or number) worthless, for good."""

    async def revoking(access: Access, now: datetime) -> bool:
        page = await access.tokens(limit=1000)
        while True:
            for row in page.rows:
                if row.revoked is None and token in (row.name, str(row.id)):
                    return await access.revoke_token(row.id, _who(), now)
            if page.next is None:
                return False
            page = await access.tokens(page.next, 1000)

    if not _done(config, revoking):
        raise click.ClickException(f"There is no valid token {token}.")
    click.echo(f"Token {token} is worth nothing any more.")


# doing ----------------------------------------------------------------------------------------------------


def _done(config: Path, do: Callable[[Access, datetime], Awaitable[Answer]]) -> Answer:
    settings = load_settings(config)

    async def run() -> Answer:
        from monitor.opening import opened

        async with opened(settings) as store:
            return await do(store.access, datetime.now(UTC))

    answer = asyncio.run(run())
    if settings.auth is None:
        click.echo("note: the configuration has no auth:, so nobody is asked to log in.", err=True)
    return answer


def _who() -> str:
    from monitor.domain.audit import LOCAL

    return LOCAL


def _name(name: str) -> str:
    from monitor.domain.access import LONGEST_NAME, user_name

    called = user_name(name)
    if called is None:
        raise click.UsageError(
            f"{name!r} cannot be a name: it has up to {LONGEST_NAME} characters, no blanks and none of"
            " : / \\ < > \" ', and is neither 'local' nor 'nobody'."
        )
    return called


def _password(name: str, file: Path | None) -> str:
    from monitor.dashboard.auth.passwords import judge

    if file is not None:
        with click.open_file(str(file), encoding="utf-8") as opened:
            password = opened.read().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    else:
        raise click.UsageError("There is nobody to ask for the password: use --password-file, '-' for stdin.")
    judge(password, name)
    return str(password)


def _hashed(password: str) -> str:
    from monitor.dashboard.auth.passwords import Passwords

    return asyncio.run(Passwords().hash(password))


def _duration(text: str) -> timedelta | None:
    from monitor.settings import parse_duration

    if text == "never":
        return None
    try:
        lasts = parse_duration(text)
    except ValueError as error:
        raise click.UsageError(f"--expires: {error}") from None
    if not lasts:
        raise click.UsageError("--expires: must be longer than zero")
    return lasts


def _json(value: Any) -> None:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    sys.stdout.buffer.write(text)
