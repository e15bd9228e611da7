"""`throughput`: images a second against a plain loop, and trainings an hour by how many at once."""

import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.trainings import Training, crew, dataset_for, on_device, recipe_for, train
from benchmarks.networks import searched_networks
from benchmarks.training import against_timm, plain_rate
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.zoo import load_zoo

_AT_ONCE = (1, 2, 4, 8, 16)
_EPOCHS = 3


def run(leg: Leg) -> None:
    """Each network alone, then the first of them several times at once, then B0 at 224 pixels.

    Each means by itself: images that live on the device (`ours` against `plain`), passes replayed
    as CUDA graphs (`captured` against `ours`), several at once; then all together.
    """
    setting = leg.setting
    networks = {name: load_zoo(name) for name in setting.published[:2]}
    networks |= {found.id: found for found in searched_networks(3 if _on_card(leg) else 1)}
    data = on_device(setting, dataset_for(setting)) if _missing(leg, networks) else None
    rows = {
        name: leg.once(f"alone: {name}", lambda network=network: _alone(leg, data, network))
        for name, network in networks.items()
    }
    replays = leg.once("alone, captured", lambda: _captured_alone(leg, networks))
    first = next(iter(networks))
    at_once = {}
    for count in (count for count in _AT_ONCE if count <= 2 * setting.at_once):
        for captured in (False, *([True] if "error" not in replays else [])):
            key = f"at once: {count}{', captured' if captured else ''}"
            at_once[count, captured] = leg.once(
                key,
                lambda count=count, captured=captured: _together(
                    leg, networks[first], count, captured
                ),
            )
    _conclude(leg, rows, replays, at_once)
    if _on_card(leg):
        for name, seconds in (("as it is", 40), ("compiled", 150)):
            leg.once(
                f"B0 at 224 px, {name}",
                lambda name=name: against_timm(torch.device("cuda:0"), 3, name == "compiled"),
                seconds=seconds,
            )


def _conclude(
    leg: Leg,
    rows: Mapping[str, Mapping[str, Any]],
    replays: Mapping[str, Any],
    at_once: Mapping[tuple[int, bool], Mapping[str, Any]],
) -> None:
    def an_hour(many: tuple[int, bool]) -> float:
        return float(at_once[many]["trainings_an_hour"])

    def median(ratios: Iterable[float]) -> float:
        return round(statistics.median(ratios), 2)

    fastest = max(at_once, key=an_hour)
    plain = next(iter(rows.values()))["plain"]
    gains = [replays[name] / row["ours"] for name, row in rows.items() if name in replays]
    leg.conclude(
        gain_by_device_data=median(row["ratio"] for row in rows.values()),
        gain_by_capturing=median(gains) if gains else replays["error"],
        fastest_at_once=fastest[0],
        gain_by_several=round(an_hour(fastest) / an_hour((1, fastest[1])), 2),
        gain_by_all=round(at_once[fastest]["images_per_second"] / plain, 2),
        capturing_pays=fastest[1],
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


def _captured_alone(leg: Leg, networks: Mapping[str, Architecture]) -> dict[str, Any]:
    """Images a second by network; what went wrong, in a process of its own, where it did."""
    try:
        with crew(leg.setting, 1) as team:
            found = team.train(
                [Training(one, 0, _EPOCHS, captured=True) for one in networks.values()]
            )
    except Exception as error:  # the rest of the leg stands without
        return {"error": f"{type(error).__name__}: {error}"[:500]}
    return {name: one["images_per_second"] for name, one in zip(networks, found, strict=True)}


def _together(leg: Leg, network: Architecture, count: int, captured: bool) -> dict[str, Any]:
    """As many of one network at once, each with images of its own on the device."""
    with crew(leg.setting, count) as team, _watched(leg.setting.device) as utilisation:
        started = time.perf_counter()
        found = team.train(
            [Training(network, seed, _EPOCHS, captured=captured) for seed in range(count)]
        )
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
