"""Views in files of one machine are not for an engine on others (docs/guarantees.md)."""

import pytest

from adapters.engine.session import require_reachable_views
from adapters.settings import Settings
from schemas.errors import SettingsError

FAR = Settings.of(batch_views="cassandra://c:9042/k", speed_views="redis://r:6379/0")
FILE = "sqlite:////tmp/views.sqlite"


@pytest.mark.parametrize(
    "settings", [FAR.changed(batch_views=""), FAR.changed(batch_views=FILE), FAR.changed(speed_views=FILE)]
)
def test_sqlite_views_are_refused_to_a_cluster_with_the_remedy(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"spark://far:7077.*MILLRACE_BATCH_VIEWS.*MILLRACE_SPEED_VIEWS"):
        require_reachable_views(settings, "spark://far:7077")


def test_servers_are_for_any_engine_and_files_for_one_on_this_machine() -> None:
    require_reachable_views(FAR, "spark://far:7077")
    require_reachable_views(Settings(), "local[4]")
