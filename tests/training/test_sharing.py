"""How many trainings share a GPU, on simulated cards; `tests/nas/test_joined_ray.py` tries it."""

from collections.abc import Callable

import pytest

from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.sharing import Sharing, find_sharing

REQUEST = Request(0, load_zoo("mobilenet-v2"), seed=0)


def card(
    *, host: float = 0.2, alone: float = 0.1, memory: int = 99
) -> tuple[list[tuple[int, int]], Callable[[int, Request], tuple[float, str]]]:
    """One that takes a training's part of an epoch one after another; and what it was asked for.

    Args:
        host: seconds of an epoch that each training spends beside the card.
        alone: seconds that it spends on it.
        memory: trainings that fit.
    """
    asked: list[tuple[int, int]] = []

    def tried(count: int, request: Request) -> tuple[float, str]:
        epochs = request.epochs or 0
        asked.append((count, epochs))
        if count > memory:
            return 0.0, "OutOfMemoryError: CUDA out of memory"
        return epochs * max(host + alone, count * alone), ""

    return asked, tried


@pytest.mark.parametrize(
    ("given", "most", "best", "tried"),
    [
        ({}, 32, 4, [1, 1, 2, 4, 8]),
        ({"host": 0.7}, 32, 8, [1, 1, 2, 4, 8, 16]),
        ({"host": 0.7}, 5, 4, [1, 1, 2, 4]),
        ({"host": 0.7, "memory": 3}, 32, 2, [1, 1, 2, 4]),
        ({"host": 0.0}, 32, 1, [1, 1, 2]),
        ({"host": 0.7}, 1, 1, [1, 1]),
    ],
)
def test_as_many_share_as_pay_fit_and_have_a_core(
    given: dict[str, float], most: int, best: int, tried: list[int]
) -> None:
    asked, try_it = card(**given)  # type: ignore[arg-type]

    assert find_sharing(try_it, REQUEST, most).best == best
    assert [count for count, _ in asked] == tried


def test_short_trainings_are_made_long_enough_to_be_timed() -> None:
    asked, try_it = card()
    find_sharing(try_it, REQUEST, 2)
    assert asked == [(1, 1), (1, 4), (2, 4)]  # of 0.3 s

    asked, try_it = card(host=5.0)
    find_sharing(try_it, REQUEST, 2)
    assert asked == [(1, 1), (2, 1)]


def test_what_cannot_be_trained_at_all_is_said() -> None:
    _, try_it = card(memory=0)

    with pytest.raises(EffsearchError, match=r"no training could be tried on a GPU: OutOfMemory"):
        find_sharing(try_it, REQUEST, 4)


@pytest.mark.parametrize(
    ("rates", "best", "said"),
    [
        ({1: 2.0}, 1, "one training at a time on a GPU: more give no more an hour"),
        (
            {1: 2.0, 2: 2.0},
            1,
            "one training at a time on a GPU: more give no more an hour (2: 1.0)",
        ),
        (
            {1: 2.0, 2: 3.8, 4: 6.0, 8: 6.1},
            4,
            "4 trainings share a GPU: 3.0 times as many an hour as one at a time (2: 1.9, 8: 3.0)",
        ),
    ],
)
def test_what_is_said_of_it(rates: dict[int, float], best: int, said: str) -> None:
    assert Sharing(rates).best == best
    assert str(Sharing(rates)) == said
