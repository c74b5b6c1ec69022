"""Checks that what the settings name can be logged into, written and read: view stores, lake, API keys."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adapters.lake.files import filesystem
from adapters.settings import Settings
from adapters.stores import Book, open_store
from core.settings import StoreUrl
from core.text.masking import masked
from millrace.doctor.check import Check
from schemas.errors import MillraceError, SettingsError, StoreUnavailable
from serving_layer.access.start import require_startable, speaks_tls

PROBES = Book("doctor")  # holds nothing for longer than a check
SPACE = "probe"


def check_stores(settings: Settings) -> Iterator[Check]:
    """Write to, read from and delete from each view store; a file that does not exist yet is the home's matter."""
    for key, url in (("batch_views", settings.batch_views_url), ("speed_views", settings.speed_views_url)):
        path = url.reveal().removeprefix("sqlite:///")
        if url.scheme != "sqlite" or Path(path).exists():
            yield check_store(f"{key} written", url)


def check_store(name: str, url: StoreUrl) -> Check:
    """Check one store with a row of its own."""
    row = uuid.uuid4().bytes
    try:
        with closing(open_store(url)) as store:
            store.check()
            store.put(PROBES, {(SPACE, row): row})
            kept = store.read(PROBES, SPACE, [row]).get(row)
            store.delete(PROBES, SPACE, [row])
    except SettingsError as error:
        return Check(name, str(error), "Change what it names: the login, its rights, or the server's settings.")
    except StoreUnavailable as error:
        return Check(name, str(error), f"Start it, or correct its address in MILLRACE_{name.split()[0].upper()}.")
    if kept != row:
        return Check(name, "a row that was written could not be read", "Point the address at a primary, not a replica.")
    return Check(name, "a row was written, read and deleted")


def check_lake(settings: Settings) -> Check:
    """Check the lake with a small file; a local folder that does not exist yet is the home's matter."""
    path = settings.lake_path
    is_local = "://" not in path
    if is_local and not Path(path).exists():
        return Check("lake", f"{path} is made by the first batch run")
    try:
        system, folder = filesystem(str(Path(path).absolute()) if is_local else path)
        probe = f"{folder.rstrip('/')}/_doctor_{uuid.uuid4().hex}"
        with system.open_output_stream(probe) as file:
            file.write(b"millrace doctor")
        system.delete_file(probe)
    except (OSError, ValueError, MillraceError) as error:
        remedy = "Give this user the right to write there, or name another folder in MILLRACE_LAKE."
        said = str(error).splitlines()[0]
        return Check("lake", said if is_local else masked(said), remedy)
    return Check("lake", f"{masked(path)}: a file was written and deleted")


def check_access(settings: Settings) -> Check:
    """Check whether the API may start at its address: keys for a network, certificates, house rules."""
    try:
        require_startable(settings, settings.http.host)
        scheme = "https" if speaks_tls(settings) else "http"
    except SettingsError as error:
        return Check("api access", str(error), "Do what it says before `millrace serve`.", required=False)
    return Check("api access", f"{scheme}://{settings.http.host}:{settings.http.port} may start")
