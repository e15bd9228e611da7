"""The latency table against whole networks, and what multiply-adds tell of latency.

On the CPU for torch and ONNX Runtime, one thread and one image; with `--device cuda` for torch,
64 images at a time, float32. A table of the layers that random networks of the
`mnasnet` space have, corrected on some of the networks and judged on others that the correction
has not seen; look-ups a second; the rank correlation of multiply-adds and measured latency. Layers
and networks are measured in turn and in two passes, and the low tenth of the undisturbed runs is
compared: a machine that is busy with something else then hardly shows. All of it is repeated, and
medians of the repetitions are judged.

About nine minutes on a quiet machine's CPU, two with --quick.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import RESULTS, write_result
from effsearch.latency.base_meter import DeviceMeter
from effsearch.latency.building import BuildOptions, measure_into
from effsearch.latency.layers import layer_cost, layers_of
from effsearch.latency.meter import make_meter
from effsearch.latency.population import PopulationLatency
from effsearch.latency.prediction import Accuracy, Predictor
from effsearch.results.plots.latency import Points, draw_macs, draw_predictions
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space

SPACE = "mnasnet"
BACKENDS = ("torch", "onnxruntime")
IN_TABLE = 60  # whole networks in the table: two thirds fit the correction
UNSEEN = 40
NETWORKS = 200  # measured for the rank correlation; the ones above are the first of them
REPETITIONS = 3
POPULATION = 200_000
MOST_ERROR, LEAST_RATE = 0.05, 300_000
LEAST_TAU = {"cpu": 0.9, "cuda": 0.85}
CUDA_BATCH = 64


def main() -> None:
    """Measure, print a table, write `results/latency.json` (`latency_cuda`) and two pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer networks, one pass, no repetition"
    )
    parser.add_argument("--keep", type=Path, help="folder for the tables, to go on from")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1 [cpu]")
    wanted = parser.parse_args()
    kind = wanted.device.partition(":")[0]
    backends, batch, name = BACKENDS, 1, "latency"
    if kind != "cpu":
        backends, batch, name = ("torch",), CUDA_BATCH, f"latency_{kind}"
    options = BuildOptions(passes=1 if wanted.quick else 2)
    networks = IN_TABLE + UNSEEN if wanted.quick else NETWORKS
    repetitions = 1 if wanted.quick else REPETITIONS
    space = load_space(SPACE)
    rows = space.sample(np.random.default_rng(0), 2 * networks)
    drawn = list(dict.fromkeys(space.decode(row) for row in rows))[:networks]
    rate = _look_ups_a_second(space)
    print(f"{'look-ups a second, one core':34}{rate:>12,.0f}")
    found: dict[str, dict[str, Any]] = {}
    predictions, by_macs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for backend in backends:
            started = time.perf_counter()
            meter = make_meter(backend, wanted.device, batch=batch)
            macs = np.array([cost(network).macs for network in drawn], np.float64)
            judged = []
            for repetition in range(repetitions):
                tables = (wanted.keep or Path(folder)) / str(repetition)
                tables.mkdir(parents=True, exist_ok=True)
                accuracy, measured, what = compare_with_table(meter, drawn, options, tables)
                judged.append(
                    {
                        "median_error": round(accuracy.error, 4),
                        "largest_error": round(accuracy.worst, 4),
                        "kendall_tau": round(accuracy.tau, 3),
                        "kendall_tau_of_macs": round(Accuracy(macs, measured).tau, 3),
                    }
                )
            found[backend] = what | {
                key: float(np.median([one[key] for one in judged])) for key in judged[0]
            }
            found[backend]["repetitions"] = judged
            _show(backend, found[backend], time.perf_counter() - started)
            # The pictures show the last repetition.
            predictions.append(
                Points(backend, accuracy.predicted_ms.tolist(), accuracy.measured_ms.tolist())
            )
            by_macs.append(Points(backend, macs.tolist(), measured.tolist()))
    RESULTS.mkdir(exist_ok=True)
    draw_predictions(predictions).savefig(RESULTS / f"{name}_predicted.png")
    draw_macs(by_macs).savefig(RESULTS / f"{name}_macs.png")
    write_result(
        name,
        {
            "what": f"random networks of the space {SPACE} at 224 px, batch {batch}"
            f"{', one thread' if kind == 'cpu' else ''}; a "
            "latency is the tenth percentile of a network's runs, the lower of the passes",
            "look_ups_per_second": round(rate),
            "networks": {"in_table": IN_TABLE, "unseen": UNSEEN, "rank_correlation": networks},
            "passes": options.passes,
            "backends": found,
        },
        packages=("torch", "onnxruntime", "numpy"),
    )
    _judge(rate, found, LEAST_TAU[kind])


def compare_with_table(
    meter: DeviceMeter,
    drawn: list[Architecture],
    options: BuildOptions,
    folder: Path,
    *,
    in_table: int = IN_TABLE,
) -> tuple[Accuracy, np.ndarray[Any, Any], dict[str, Any]]:
    """Predicted and measured latency of networks not in the table; latency of all of them.

    Args:
        drawn: the first of them go into the table, up to 40 that follow are predicted.
        folder: for the tables; what it holds already is not measured again.
        in_table: how many.
    """
    backend = meter.setting.backend
    known, unseen = drawn[:in_table], drawn[in_table : in_table + UNSEEN]
    layers = sorted({layer for network in (*known, *unseen) for layer in layers_of(network)})
    table = measure_into(folder / f"{backend}.csv", layers, [], meter, options, _progress)
    # All networks together, in random order, so that no part of them has a quieter machine.
    whole = measure_into(
        folder / f"{backend}_networks.csv", [], drawn, meter, options, _progress
    ).networks
    print(file=sys.stderr)
    for network in known:
        table.add_network(network, whole[network].low_ms, whole[network].median_ms)
    predictor = Predictor(table)
    measured = np.array([whole[network].low_ms for network in drawn])
    accuracy = Accuracy(
        np.array([predictor.network_ms(network) for network in unseen]),
        measured[in_table : in_table + UNSEEN],
    )
    what = {
        "device": meter.setting.device,
        "versions": meter.setting.versions,
        "layers": len(layers),
        "latency_ms": [round(float(measured.min()), 2), round(float(measured.max()), 2)],
    }
    return accuracy, measured, what


def _look_ups_a_second(space: SearchSpace) -> float:
    """Best of five by the core's own time, which other processes cannot take from; what the
    look-ups say makes no difference to how long they take."""
    latency = PopulationLatency(space, lambda layer: layer_cost(layer).macs / 1e7)
    encodings = space.sample(np.random.default_rng(1), POPULATION)
    latency(encodings[:1])  # makes the tables
    seconds = []
    for _ in range(5):
        started = time.thread_time()
        latency(encodings)
        seconds.append(time.thread_time() - started)
    return POPULATION / min(seconds)


def _progress(what: str, done: int, total: int) -> None:
    print(f"\r{what}: {done} of {total}    ", end="", file=sys.stderr, flush=True)


def _show(backend: str, found: dict[str, Any], seconds: float) -> None:
    print(f"{backend} ({found['versions']}, {found['device']}, {seconds:.0f} s)")
    print(f"{'  median error, unseen networks':34}{found['median_error']:>12.1%}")
    print(f"{'  largest error':34}{found['largest_error']:>12.1%}")
    print(f"{'  Kendall tau, table':34}{found['kendall_tau']:>12.3f}")
    print(f"{'  Kendall tau, multiply-adds':34}{found['kendall_tau_of_macs']:>12.3f}")
    each = ", ".join(f"{one['kendall_tau']:.3f}" for one in found["repetitions"])
    print(f"{'  Kendall tau, each repetition':34}{each:>12}")


def _judge(rate: float, found: dict[str, dict[str, Any]], least_tau: float) -> None:
    wrong = [
        f"{backend}: error {result['median_error']:.1%}, tau {result['kendall_tau']:.3f}"
        for backend, result in found.items()
        if result["median_error"] > MOST_ERROR or result["kendall_tau"] < least_tau
    ]
    if rate < LEAST_RATE:
        wrong.append(f"{rate:,.0f} look-ups a second")
    if wrong:
        raise SystemExit(
            f"required are at most {MOST_ERROR:.0%} and at least {least_tau}, and {LEAST_RATE:,} "
            f"look-ups a second: {'; '.join(wrong)}"
        )


if __name__ == "__main__":
    main()
