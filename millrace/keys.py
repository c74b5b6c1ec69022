"""``millrace keys``: who may use the API."""

import time
from typing import Any

import click

from adapters.machine.home import prepare_home
from adapters.records.keys import create_key, read_keys, revoke_key
from adapters.settings import Settings, load_settings
from adapters.stores import ViewStore
from adapters.stores.opened import batch_views
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from core.access.keys import READ, ROLES, Key
from core.events.timestamps import time_text


@click.group()
def keys() -> None:
    """The keys of the HTTP API: every process of a cluster follows them within seconds."""


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=READ, show_default=True, help="write includes read.")
@click.option("--rate", default="", help="Requests that it may make: 100/s, 6000/m. Default: the setting rate_limit.")
@as_json
@reports_errors
def create(name: str, role: str, rate: str, as_json: bool) -> None:
    """Make a key called NAME and print it: once, as only a digest of it is stored."""
    key, token = create_key(_store(), name, role, rate, _now())
    if as_json:
        print_json({**_shown(key), "key": token})
    else:
        echo(token)
        echo(f"millrace: this is the key {name!r} ({role}); it is shown this once", err=True)


@keys.command("list")
@click.option("--all", "with_revoked", is_flag=True, help="Revoked ones, too.")
@as_json
@reports_errors
def list_(with_revoked: bool, as_json: bool) -> None:
    """Show the keys, never their texts."""
    shown = [_shown(key) for key in read_keys(_store()).keys if with_revoked or key.revoked_at is None]
    if as_json:
        print_json({"keys": shown})
        return
    if not shown:
        echo("there are no keys; `millrace keys create NAME` makes one")
    for row in shown:
        until = f", revoked {time_text(row['revoked_at'])}" if row["revoked_at"] else ""
        rate = f", {row['rate']}" if row["rate"] else ""
        echo(f"{row['id']}  {row['role']:5}  {row['name']}  (made {time_text(row['created_at'])}{rate}{until})")


@keys.command()
@click.argument("name_or_id")
@as_json
@reports_errors
def revoke(name_or_id: str, as_json: bool) -> None:
    """Make a key invalid for good, within seconds in every process."""
    key = revoke_key(_store(), name_or_id, _now())
    if as_json:
        print_json(_shown(key))
    else:
        echo(f"revoked the key {key.name!r} ({key.id}); a running API refuses it within seconds")


def _store() -> ViewStore:
    settings: Settings = load_settings()
    prepare_home(settings.home)
    return batch_views(settings)


def _shown(key: Key) -> dict[str, Any]:
    """Return what anybody may see of a key."""
    return {name: value for name, value in vars(key).items() if name != "digest"}


def _now() -> int:
    return time.time_ns() // 1_000_000
