"""Options: one field gives flag, YAML key, Python keyword, check, help and resume rule."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import pytest

from effsearch.results.config import SECONDS, Option, Settings, changed_keys, settings_of
from effsearch.search_spaces.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Shared(Settings):
    patience: Annotated[
        float | None,
        Option("Time to wait, such as 90s.", "Waiting", "for ever", SECONDS, may_change=True),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Mine(Shared):
    rounds: Annotated[int, Option("Rounds.", flags=("--rounds", "-r"))] = 3
    mood: Annotated[Literal["calm", "hasty"], Option("Mood.")] = "calm"
    size: Annotated[int | Literal["auto"] | None, Option("Size.", at_least=2)] = None
    extra: Annotated[dict[str, Any], Option("More.", on_line=False, merges=True)] = None  # type: ignore[assignment]


def test_one_field_reads_the_key_of_a_file_and_the_keyword_alike() -> None:
    assert Mine.make({"patience": "2m", "extra": {}}).patience == 120
    assert Mine(patience=90, extra={}).patience == 90
    assert Mine.make({"size": "8", "extra": {}}).size == 8
    assert Mine.make({"size": "auto", "extra": {}}).size == "auto"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rounds": 0}, "rounds must be a whole number of at least 1, not 0"),
        ({"rounds": True}, "rounds must be a whole number"),
        ({"patience": "soon"}, "patience: 'soon' is not a time with its unit"),
        ({"mood": "hastily"}, "unknown mood 'hastily': did you mean 'hasty'"),
        ({"mood": 5}, "mood must be text, not 5"),
        ({"size": "big"}, "size must be a whole number of at least 2 or auto, not 'big'"),
        ({"size": 1}, "size must be a whole number of at least 2, not 1"),
        ({"round": 1}, "unknown config key 'round': did you mean 'rounds'"),
    ],
)
def test_one_field_names_what_is_wrong(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Mine.make({"extra": {}}, values)


def test_one_field_says_whether_a_resumption_may_change_it() -> None:
    before = Mine(extra={})
    now = replace(before, rounds=4, patience=7)
    assert changed_keys(before.to_dict(), now) == ["rounds"]
    assert changed_keys(before.to_dict(), now, frozenset({"rounds"})) == []


def test_a_mapping_that_merges_is_merged_key_by_key() -> None:
    made = Mine.make({"extra": {"a": 1, "b": 1}}, {"extra": {"b": 2}})
    assert made.extra == {"a": 1, "b": 2}


def test_shared_groups_come_first_and_stay_flat() -> None:
    assert list(settings_of(Mine)) == ["patience", "rounds", "mood", "size", "extra"]
    assert Mine(extra={}).to_dict()["patience"] is None
