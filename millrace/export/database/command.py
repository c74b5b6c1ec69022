"""What ``millrace export database`` opens and joins."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from adapters.lake.tables import Lake
from adapters.log.forgotten import Forgotten, forgotten
from adapters.records.control import read_control
from adapters.settings import Settings
from millrace.export.database.filling import Filling
from millrace.export.database.target import open_target
from millrace.export.users import everybody
from schemas.control import Control
from schemas.errors import NotReady
from serving_layer.reading.views import Views, open_views


def export_database(settings: Settings, url: str, n: int) -> dict[str, Any]:
    """Bring the database at that address up to date; returns how many rows it has, by table.

    Raises:
        NotReady: nothing is published yet.      SettingsError: the database cannot be used.
    """
    with ExitStack() as stack:
        views: Views = stack.enter_context(open_views(settings))
        control = read_control(views.batch)
        if control is None:
            raise NotReady("there is nothing to export yet: run `millrace up` or `millrace batch run` first")
        views.compile()
        gone = _forgotten(settings, control)
        rules = replace(settings.rules, partitions=control.log.partitions)
        target = stack.enter_context(open_target(url))
        scratch = Path(gettempdir()) / "millrace-export"
        users = stack.enter_context(everybody(views.batch, views.speed, scratch, with_records=True))
        return Filling(target, views, control, Lake(None, settings.lake_path), rules, gone, n).fill(users)


def _forgotten(settings: Settings, control: Control) -> Forgotten:
    """Return the users whose events in the lake no longer count; the log is asked only where there are some."""
    if not control.forgotten:
        return {}
    from adapters.broker.opening import open_log

    with open_log(settings) as log:
        return forgotten(log, control.forgotten)
