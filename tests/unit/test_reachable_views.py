"""Views in files of one machine are not for an engine on others (docs/guarantees.md)."""

import pytest

from adapters.settings import Settings
from adapters.spark import require_reachable_views
from schemas.errors import SettingsError

FAR = {"batch_views": "cassandra://c:9042/k", "speed_views": "redis://r:6379/0"}


@pytest.mark.parametrize("side", ["batch_views", "speed_views"])
def test_sqlite_views_are_refused_to_a_cluster_with_the_remedy(side: str) -> None:
    for own in ("", "sqlite:////tmp/views.sqlite"):
        with pytest.raises(SettingsError, match=r"spark://far:7077.*MILLRACE_BATCH_VIEWS.*MILLRACE_SPEED_VIEWS"):
            require_reachable_views(Settings(**{**FAR, side: own}), "spark://far:7077")


def test_servers_are_for_any_engine_and_files_for_one_on_this_machine() -> None:
    require_reachable_views(Settings(**FAR), "spark://far:7077")
    require_reachable_views(Settings(), "local[4]")
