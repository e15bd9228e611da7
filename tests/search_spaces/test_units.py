"""Amounts as people write them."""

import pytest

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import (
    format_bytes,
    format_count,
    format_ms,
    parse_bytes,
    parse_count,
    parse_milliseconds,
    parse_numbers,
    parse_seconds,
    plural,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("400M", 400e6),
        ("0.39G", 0.39e9),
        ("4e8", 4e8),
        ("385814752", 385814752),
        (" 400 m ", 400e6),
        ("5.3k", 5300),
        ("1B", 1e9),
        ("2T", 2e12),
        (".5G", 5e8),
        (4e8, 4e8),
        (385814752, 385814752),
    ],
)
def test_counts_are_read(text: str | float, value: float) -> None:
    assert parse_count(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [("8ms", 0.008), ("1.2s", 1.2), ("10m", 600), ("10min", 600), ("4h", 14400), ("1d", 86400)],
)
def test_times_are_read_in_seconds(text: str, value: float) -> None:
    assert parse_seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("29ms", 29), ("0.1s", 100), (" 8 MS ", 8), (8.0, 8)])
def test_latencies_are_read_in_milliseconds(text: str | float, value: float) -> None:
    assert parse_milliseconds(text) == value


@pytest.mark.parametrize("text", ["8", "0ms", "-1ms", "8MB", True, float("nan")])
def test_bad_latencies_are_refused(text: str | float) -> None:
    with pytest.raises(InputError, match=r"a latency with its unit such as 8ms or 0.1s"):
        parse_milliseconds(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(8, "8ms"), (8.256, "8.26ms"), (183.2, "183ms"), (999.97, "1s"), (1234, "1.234s")],
)
def test_latencies_are_written_for_reading(value: float, text: str) -> None:
    assert format_ms(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("64MB", 64e6), ("1GiB", 2**30), ("512kib", 2**19), ("100B", 100), ("1.5GB", 1.5e9)],
)
def test_memory_is_read_in_bytes(text: str, value: float) -> None:
    assert parse_bytes(text) == value


BAD = ["", " ", "0", "-5M", "4Z", "nan", "inf", "-inf", "1e400", "M", "4 0M", "0x10", "1,5M", "²M"]


@pytest.mark.parametrize("text", BAD)
def test_bad_counts_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_count(text)
    assert f"'{text}'" in str(error.value)
    assert "400M" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["8", "0ms", "-1s", "1w", "nan", "infs", "", "1e400s"])
def test_bad_times_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="8ms"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["8", "0MB", "-1MB", "64M", "64XB", "nan", ""])
def test_bad_memory_sizes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="64MB"):
        parse_bytes(text)


def test_a_truth_value_is_no_amount() -> None:
    with pytest.raises(InputError):
        parse_count(True)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0..7", (0, 1, 2, 3, 4, 5, 6, 7)),
        ("-1,0.5,2", (-1, 0.5, 2)),
        ("3", (3,)),
        ("-2..0, 5", (-2, -1, 0, 5)),
        ("4..4", (4,)),
    ],
)
def test_lists_of_numbers_are_read(text: str, numbers: tuple[float, ...]) -> None:
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "7..0", "a", "1,,2", "0..", "0.5..2", "nan", "inf", "1..2..3"]
)
def test_bad_lists_of_numbers_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.\.7"):
        parse_numbers(text)


def test_a_range_longer_than_memory_is_refused() -> None:
    with pytest.raises(InputError, match="holds more than 10,000 numbers"):
        parse_numbers("0..999999999999")


@pytest.mark.parametrize(
    ("value", "text"),
    [(385814752, "385.8M"), (1827141392, "1.83G"), (5300, "5.3k"), (12, "12"), (0, "0")],
)
def test_counts_are_written_for_reading(value: float, text: str) -> None:
    assert format_count(value) == text


def test_one_of_a_thing_is_said_in_the_singular() -> None:
    assert [plural(count, "epoch") for count in (0, 1, 1000)] == [
        "0 epochs",
        "1 epoch",
        "1,000 epochs",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(12_300_000, "12.3MB"), (999, "999B"), (2e9, "2.0GB"), (1500, "1.5kB")]
)
def test_memory_is_written_for_reading(value: float, text: str) -> None:
    assert format_bytes(value) == text


@pytest.mark.parametrize(("value", "text"), [(999_999, "1.0M"), (999_999_999, "1.00G")])
def test_counts_that_round_up_to_the_next_unit_take_it(value: float, text: str) -> None:
    assert format_count(value) == text
