"""Architectures a second: our closed form, vectorised and single, against two tracing counters.

All count the same random networks of the `mnasnet` space in one run on one core. fvcore counts
multiply-adds, FlopCounterMode two operations for each; both are compared with ours.
"""

import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.machine import write_result
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import block_cost, cost
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space_file import load_space

SPACE = "mnasnet"
POPULATION = 200_000
SINGLE = 2_000
TRACED = 12
REPEATS = 5
REQUIRED = 500_000  # architectures a second, vectorised


def main() -> None:
    """Measure, print a table, write `results/cost.json`."""
    torch.set_num_threads(1)
    space = load_space(SPACE)
    encodings = space.sample(np.random.default_rng(0), POPULATION)
    architectures = [space.decode(row) for row in encodings[:SINGLE]]
    traced = architectures[:TRACED]

    population = PopulationCost(space)
    started = time.perf_counter()
    population(encodings[:1])
    tables_seconds = time.perf_counter() - started
    vectorised = _best_rate(lambda: population(encodings), POPULATION)
    macs = population(encodings)["macs"]

    # Decoded before, so that what is timed is the count and not the reading of the vector; fresh
    # objects and an empty cache, so that nothing was counted before.
    block_cost.cache_clear()
    started = time.perf_counter()
    counted = [cost(architecture).macs for architecture in architectures]
    single = SINGLE / (time.perf_counter() - started)
    _agree(counted, macs[:SINGLE].tolist())

    fvcore, counted = _rate_of_each(_fvcore_macs, traced)
    _agree(counted, macs[:TRACED].tolist())
    torch_counter, counted = _rate_of_each(_flop_counter_macs, traced)
    _agree(counted, macs[:TRACED].tolist())

    rates = {
        "ours, vectorised": vectorised,
        "ours, one at a time": single,
        "FlopCounterMode (meta device)": torch_counter,
        "fvcore": fvcore,
    }
    print(f"{'architectures a second':32}{'rate':>14}{'vectorised is':>16}")
    for name, rate in rates.items():
        print(f"{name:32}{rate:>14,.1f}{vectorised / rate:>15,.0f}×")
    print(f"set-up of the tables, once: {tables_seconds:.2f} s; networks counted alike by all")
    write_result(
        "cost",
        {
            "what": f"networks of the space {SPACE} at its own resolution, one core",
            "architectures_per_second": {name: round(rate, 1) for name, rate in rates.items()},
            "tables_seconds": round(tables_seconds, 3),
            "counted": {"vectorised": POPULATION, "single": SINGLE, "traced": TRACED},
            "required_per_second": REQUIRED,
        },
        packages=("torch", "numpy", "fvcore"),
    )
    if vectorised < REQUIRED:
        raise SystemExit(f"{vectorised:,.0f} a second is below the required {REQUIRED:,}")


def _best_rate(run: Callable[[], object], count: int) -> float:
    """The best of several runs: other processes only ever make one slower."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return count / min(seconds)


def _rate_of_each(
    count: Callable[[torch.nn.Module, Architecture], int], architectures: list[Architecture]
) -> tuple[float, list[int]]:
    """Rate at which built networks are counted (building them is not timed), and the counts."""
    spent, counts = [], []
    for architecture in architectures:
        network = build_network(architecture).eval()
        started = time.perf_counter()
        counts.append(count(network, architecture))
        spent.append(time.perf_counter() - started)
    return len(spent) / sum(spent), counts


def _fvcore_macs(network: torch.nn.Module, architecture: Architecture) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        side = architecture.resolution
        analysis = FlopCountAnalysis(network, torch.zeros(1, architecture.in_channels, side, side))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counted = analysis.by_operator()
    return int(counted["conv"] + counted["linear"])


def _flop_counter_macs(network: torch.nn.Module, architecture: Architecture) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    side = architecture.resolution
    network = network.to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, architecture.in_channels, side, side, device="meta"))
    return int(counter.get_total_flops()) // 2


def _agree(ours: list[int], others: list[int]) -> None:
    if ours != others:
        raise SystemExit("the counters disagree: nothing to compare")


if __name__ == "__main__":
    main()
