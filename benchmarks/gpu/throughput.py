"""`throughput`: images a second against a plain loop, and trainings an hour by how many at once."""

import itertools
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import torch

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.trainings import (
    Crew,
    Training,
    crew,
    dataset_for,
    on_device,
    recipe_for,
    train,
)
from benchmarks.networks import searched_networks
from benchmarks.training import against_timm, plain_rate
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.zoo import load_zoo

_AT_ONCE = (1, 2, 4, 8, 16)
_EPOCHS = 3


def run(leg: Leg) -> None:
    """Each network alone, then the first of them several times at once, then B0 at 224 pixels.

    Each means by itself, against the one before: images that live on the device (`float32`
    against `plain`), bfloat16 (`ours`), passes replayed as CUDA graphs (`captured`), several at
    once; then all together.
    """
    setting = leg.setting
    networks = {name: load_zoo(name) for name in setting.published[:2]}
    networks |= {found.id: found for found in searched_networks(3 if _on_card(leg) else 1)}
    names = [f"alone: {name}" for name in networks]
    data = on_device(setting, dataset_for(setting)) if _missing(leg, *names) else None
    rows = {
        name: leg.once(f"alone: {name}", lambda network=network: _alone(leg, data, network))
        for name, network in networks.items()
    }
    counts = [count for count in _AT_ONCE if count <= 2 * setting.at_once]
    first = next(iter(networks.values()))
    keys = [_many(count, captured) for captured in (False, True) for count in counts]
    with crew(setting, max(counts)) if _missing(leg, _CAPTURED, *keys) else nullcontext() as team:
        replays = leg.once(_CAPTURED, lambda: _captured_alone(team, networks))
        for captured in (False, True):
            for count in counts:
                leg.once(
                    _many(count, captured),
                    lambda count=count, captured=captured: _together(
                        leg, team, first, count, captured
                    ),
                )
    _conclude(leg, rows, replays, counts)
    if _on_card(leg):
        for name, seconds in (("as it is", 40), ("compiled", 150)):
            leg.once(
                f"B0 at 224 px, {name}",
                lambda name=name: against_timm(torch.device("cuda:0"), 3, name == "compiled"),
                seconds=seconds,
            )


_CAPTURED = "alone, captured"


def _many(count: int, captured: bool) -> str:
    return f"at once: {count}{', captured' if captured else ''}"


def _conclude(
    leg: Leg,
    rows: Mapping[str, Mapping[str, Any]],
    replays: Mapping[str, Mapping[str, Any]],
    counts: Sequence[int],
) -> None:
    def rate(count: int, captured: bool) -> float:
        return float(leg.found[_many(count, captured)]["images_per_second"])

    def median(ratios: Iterable[float]) -> float | None:
        known = list(ratios)
        return round(statistics.median(known), 2) if known else None

    alone = {name: replays[name]["images_per_second"] for name in rows}
    fastest = max(itertools.product(counts, (False, True)), key=lambda many: rate(*many))
    plain = next(iter(rows.values()))["plain"]
    leg.conclude(
        gain_by_device_data=median(row["float32"] / row["plain"] for row in rows.values()),
        gain_by_bfloat16=median(row["ours"] / row["float32"] for row in rows.values()),
        gain_by_capturing=median(alone[name] / rows[name]["ours"] for name in rows if alone[name]),
        fastest_at_once=fastest[0],
        gain_by_several=round(rate(*fastest) / rate(1, fastest[1]), 2),
        gain_by_all=round(rate(*fastest) / plain, 2),
        capturing_pays=fastest[1],
    )


def _on_card(leg: Leg) -> bool:
    return leg.setting.device == "cuda"


def _missing(leg: Leg, *keys: str) -> bool:
    return any(key not in leg.found for key in keys)


def _alone(leg: Leg, data: Any, network: Architecture) -> dict[str, Any]:
    float32 = train(leg.setting, data, Training(network, 0, _EPOCHS, precision="fp32"))
    ours = train(leg.setting, data, Training(network, 0, _EPOCHS))
    recipe = recipe_for(leg.setting, 1)
    workers = 7 if _on_card(leg) else 0
    plain = plain_rate(network, data, recipe, workers=workers)
    return {
        "ours": ours["images_per_second"],
        "float32": float32["images_per_second"],
        "plain": round(plain),
        "ratio": round(ours["images_per_second"] / plain, 2),
        "memory_mib": ours["memory_mib"],
    }


def _captured_alone(team: Crew, networks: Mapping[str, Architecture]) -> dict[str, Any]:
    """In a process of the crew, one after another: a capture that fails can take it down."""
    return {
        name: team.train([Training(network, 0, _EPOCHS, captured=True)])[0]
        for name, network in networks.items()
    }


def _together(
    leg: Leg, team: Crew, network: Architecture, count: int, captured: bool
) -> dict[str, Any]:
    """As many of one network at once, each with images of its own on the device."""
    team.train([Training(network, seed, 1, captured=captured) for seed in range(count)])
    with _watched(leg.setting.device) as utilisation:
        started = time.perf_counter()
        found = team.train(
            [Training(network, seed, _EPOCHS, captured=captured) for seed in range(count)]
        )
        seconds = time.perf_counter() - started
    errors = [one["error"] for one in found if "error" in one]
    if errors:
        return {"images_per_second": 0, "trainings_an_hour": 0, "error": errors[0]}
    return {
        "images_per_second": round(_EPOCHS * sum(one["images"] for one in found) / seconds),
        "trainings_an_hour": round(3600 * count / seconds),
        "memory_mib_each": max(one["memory_mib"] for one in found),
        "utilisation_percent": statistics.median(utilisation) if utilisation else None,
    }


@contextmanager
def _watched(device: str) -> Iterator[list[int]]:
    """How busy the card was inside the block, by its driver; nothing where that is not told."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        with suppress(Exception):  # the driver's library is missing, or has another version
            while device == "cuda" and not over.wait(0.5):
                seen.append(torch.cuda.utilization())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
