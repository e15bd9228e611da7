"""`throughput`: images a second against a plain loop, and trainings an hour by how many at once."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.trainings import Training, crew, dataset_for, on_device, recipe_for, train
from benchmarks.training import against_timm, plain_rate, searched_networks
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.zoo import load_zoo

_AT_ONCE = (1, 2, 4, 8, 16)
_EPOCHS = 3


def run(leg: Leg) -> None:
    """Each network alone, then the first of them several times at once, then B0 at 224 pixels."""
    setting = leg.setting
    networks = {name: load_zoo(name) for name in setting.published[:2]}
    networks |= {found.id: found for found in searched_networks(3 if _on_card(leg) else 1)}
    data = on_device(setting, dataset_for(setting)) if _missing(leg, networks) else None
    rows = {
        name: leg.once(f"alone: {name}", lambda network=network: _alone(leg, data, network))
        for name, network in networks.items()
    }
    first = next(iter(networks.values()))
    at_once = {}
    for count in _AT_ONCE:
        if count <= 2 * setting.at_once:
            key = f"at once: {count}"
            at_once[count] = leg.once(key, lambda count=count: _together(leg, first, count))
    fastest = max(at_once, key=lambda count: at_once[count]["trainings_an_hour"])
    leg.conclude(
        median_ratio_alone=round(statistics.median(row["ratio"] for row in rows.values()), 2),
        fastest_at_once=fastest,
        gain_by_several=round(
            at_once[fastest]["trainings_an_hour"] / at_once[1]["trainings_an_hour"], 2
        ),
    )
    if _on_card(leg):
        for name, seconds in (("as it is", 40), ("compiled", 150)):
            leg.once(
                f"B0 at 224 px, {name}",
                lambda name=name: against_timm(torch.device("cuda:0"), 3, name == "compiled"),
                seconds=seconds,
            )


def _on_card(leg: Leg) -> bool:
    return leg.setting.device == "cuda"


def _missing(leg: Leg, networks: dict[str, Architecture]) -> bool:
    return any(f"alone: {name}" not in leg.found for name in networks)


def _alone(leg: Leg, data: Any, network: Architecture) -> dict[str, Any]:
    ours = train(leg.setting, data, Training(network, 0, _EPOCHS))
    recipe = recipe_for(leg.setting, 1)
    workers = 7 if _on_card(leg) else 0
    plain = plain_rate(network, data, recipe, workers=workers)
    return {
        "ours": ours["images_per_second"],
        "plain": round(plain),
        "ratio": round(ours["images_per_second"] / plain, 2),
        "memory_mib": ours["memory_mib"],
    }


def _together(leg: Leg, network: Architecture, count: int) -> dict[str, Any]:
    """As many of one network at once, each with images of its own on the device."""
    with crew(leg.setting, count) as team, _watched(leg.setting.device) as utilisation:
        started = time.perf_counter()
        found = team.train([Training(network, seed, _EPOCHS) for seed in range(count)])
        seconds = time.perf_counter() - started
    return {
        "images_per_second": sum(one["images_per_second"] for one in found),
        "trainings_an_hour": round(3600 * count / seconds),
        "utilisation_percent": statistics.median(utilisation) if utilisation else None,
    }


@contextmanager
def _watched(device: str) -> Iterator[list[int]]:
    """How busy the card was inside the block, by its driver; nothing where that is not told."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        with suppress(ImportError, RuntimeError):
            while device == "cuda" and not over.wait(0.5):
                seen.append(torch.cuda.utilization())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
