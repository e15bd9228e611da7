"""The registry of metrics: what is written of each, and what is read again."""

import pytest

from effsearch.search_spaces.metrics import METRICS, find_metric


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("macs", 385_814_752, "385.8M"),
        ("latency_ms", 7.25, "7.25ms"),
        ("reward", 0.61234, "0.6123"),
        ("final_reward", 0.61234, "0.6123"),
        ("energy", 3, "3"),
        ("energy", 0.123456789, "0.123457"),
    ],
)
def test_a_value_is_written_by_its_name(name: str, value: float, text: str) -> None:
    assert find_metric(name).format(value) == text


def test_a_wanted_amount_is_read_as_its_metric_is_written() -> None:
    for metric in METRICS.values():
        if metric.target:
            assert metric.parse is not None
            assert metric.parse(metric.format(2.0e6)) == pytest.approx(2.0e6, rel=0.05)


def test_costs_are_better_smaller() -> None:
    better = {name for name, metric in METRICS.items() if metric.larger_is_better}
    assert better == {"accuracy", "reward"}
