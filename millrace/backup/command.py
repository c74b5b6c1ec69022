"""``millrace backup`` and ``millrace restore``."""

import os
import time
from pathlib import Path

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from adapters.terminal.reporting import note


@click.command()
@click.argument("archive", type=click.Path(path_type=Path))
@as_json
@reports_errors
def backup(archive: Path, as_json: bool) -> None:
    """Save everything of this installation that lies on this machine in the file ARCHIVE (.tar.zst).

    Log, lake, views, API keys and settings, at one moment. Nothing may run meanwhile: it says what to stop, and what
    starts during the backup waits for its end. What lies on other servers is named, with the means that save it. The
    archive holds what users did: it is readable by its owner alone.
    """
    from adapters.settings.sources import given_values
    from millrace.backup import saving

    settings, given = load_settings(), given_values(Path.cwd(), os.environ)
    manifest = saving.save(settings, given, archive, time.time_ns() // 1_000_000, note)
    saved = saving.as_json(manifest, archive)
    if as_json:
        print_json(saved)
    else:
        echo(f"saved {', '.join(name for name in saved['parts'])} in {archive} ({saved['bytes']:,} bytes)")


@click.command()
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("home", type=click.Path(file_okay=False, path_type=Path))
@as_json
@reports_errors
def restore(archive: Path, home: Path, as_json: bool) -> None:
    """Make a new HOME of the file ARCHIVE, which `millrace backup` wrote.

    All of the archive is compared with its checksums before anything is written. The restored home is on its own: it
    takes free ports, and HOME/millrace.toml has the settings of the original without its addresses and passwords.
    """
    from millrace.backup.restoring import SETTINGS, restore

    manifest = restore(archive, home)
    config = home.absolute() / SETTINGS
    if as_json:
        print_json({"home": str(home.absolute()), "config": str(config), "generation": manifest.generation})
        return
    echo(f"restored {len(manifest.files):,} files to {home}")
    if manifest.left_out:
        note(
            f"{SETTINGS} there leaves out {', '.join(manifest.left_out)}: set them if this home is to use other servers"
        )
    echo(f"compare it with its log: MILLRACE_HOME={home.absolute()} MILLRACE_CONFIG={config} millrace verify")
