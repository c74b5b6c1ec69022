"""The numbers of several processes are one set of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from core.telemetry.families import FAMILIES, REQUEST_SECONDS, REQUESTS
from core.telemetry.joining import joined, lasting

KEY = (REQUESTS.name, ("/health", "200"))


def test_every_family_is_named_as_prometheus_asks() -> None:
    for name, family in FAMILIES.items():
        assert name.startswith("millrace_")
        assert name.endswith("_total") == (family.kind == "counter")
        assert name.endswith("_seconds") == (family.kind == "histogram")
        assert family.about.endswith(".")
        assert list(family.buckets) == sorted(family.buckets)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=5))
def test_counters_and_buckets_add_up(counts: list[int]) -> None:
    histogram = (REQUEST_SECONDS.name, ("/health",))
    one = [{KEY: (float(n),), histogram: (float(n),) * REQUEST_SECONDS.cells} for n in counts]
    whole = joined(one)
    assert whole[KEY] == (sum(counts),)
    assert whole[histogram] == (float(sum(counts)),) * REQUEST_SECONDS.cells


def test_what_another_version_wrote_differently_is_left_out() -> None:
    strange = {("millrace_gone_total", ()): (1.0,), (REQUEST_SECONDS.name, ("/",)): (1.0,), (REQUESTS.name, ()): (1.0,)}
    assert joined([strange, {KEY: (2.0,)}]) == {KEY: (2.0,)}
    assert lasting(strange).keys() == {(REQUEST_SECONDS.name, ("/",)), (REQUESTS.name, ())}
