"""What is known of freshness: the speed layer's record, and the numbers of the home's servers, added up."""

from contextlib import closing
from pathlib import Path

from adapters.telemetry.cells import Cells
from core.telemetry.delays import Delays
from core.telemetry.families import VISIBLE_SECONDS
from millrace.report.freshness import distributions, recorded


def test_a_home_without_metrics_knows_nothing(tmp_path: Path) -> None:
    assert distributions(tmp_path) == []
    (tmp_path / "metrics" / "up").mkdir(parents=True)
    assert distributions(tmp_path) == []


def test_delays_of_several_processes_are_one_distribution(tmp_path: Path) -> None:
    for name, values in (("up", [0.2, 0.2, 0.3]), ("serve-8000", [90.0])):
        (tmp_path / "metrics" / name).mkdir(parents=True)
        with closing(Cells(tmp_path / "metrics" / name / "1-a")) as cells:
            for value in values:
                cells.observe(VISIBLE_SECONDS, (), value)
    (known,) = distributions(tmp_path)
    assert known.counts[known.bounds.index(0.25)] == 2
    assert known.counts[known.bounds.index(0.5)] == 1
    assert known.counts[-1] == 1
    assert sum(known.counts) == 4
    assert known.p50 is not None
    assert 0.1 < known.p50 <= 0.25
    assert known.p95 == known.bounds[-1]


def test_the_record_of_the_speed_layer_is_a_distribution_of_every_event() -> None:
    delays = Delays()
    for milliseconds, events in ((200, 70), (210, 10), (400, 15), (90_000, 5)):
        delays.add(milliseconds, events)
    (known,) = recorded(delays)
    assert sum(known.counts) == 100
    assert known.counts[known.bounds.index(0.25)] == 80
    assert known.counts[-1] == 5
    assert (known.p50, known.p95) == (delays.seconds(0.5), delays.seconds(0.95))


def test_without_a_record_there_is_no_distribution() -> None:
    assert recorded(Delays()) == []
