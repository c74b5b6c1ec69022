"""Numbers as the text that Prometheus reads, in the older format or as OpenMetrics, whichever was asked for."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from core.telemetry.families import FAMILIES, Family
from core.telemetry.joining import Key

Levels = Iterable[tuple[Family, tuple[str, ...], float]]


class _Collector(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


def text_of(numbers: Mapping[Key, tuple[float, ...]], levels: Levels = (), accept: str = "") -> tuple[bytes, str]:
    """Return the text and its media type.

    Args: levels: further values, of families that need not be counted.      accept: the header of the request.
    """
    try:
        encode, media_type = choose_encoder(accept)
    except TypeError:  # a version that is no number
        encode, media_type = choose_encoder("")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(_metrics(numbers, levels)))
    return encode(registry), media_type


def _metrics(numbers: Mapping[Key, tuple[float, ...]], levels: Levels) -> Iterator[Metric]:
    by_family: dict[Family, list[tuple[tuple[str, ...], tuple[float, ...]]]] = {}
    for (name, labels), cells in sorted(numbers.items()):
        by_family.setdefault(FAMILIES[name], []).append((labels, cells))
    for family, labels, value in levels:
        by_family.setdefault(family, []).append((labels, (value,)))
    for family, rows in by_family.items():
        yield _metric(family, rows)


def _metric(family: Family, rows: list[tuple[tuple[str, ...], tuple[float, ...]]]) -> Metric:
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for labels, cells in rows:
            histogram.add_metric(labels, _buckets(family, cells), sum_value=cells[-1])
        return histogram
    plain = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = plain(family.name, family.about, labels=family.labels)
    for labels, cells in rows:
        metric.add_metric(labels, cells[0])
    return metric


def _buckets(family: Family, cells: tuple[float, ...]) -> list[tuple[str, float]]:
    """Return upper bounds with how many values are at most that large."""
    bounds, total = [*map(repr, family.buckets), "+Inf"], 0.0
    buckets = []
    for bound, number in zip(bounds, cells, strict=False):
        total += number
        buckets.append((bound, total))
    return buckets
