"""A supernet against all 6,561 trainings of NAS-Bench-Macro: does it rank networks?

    python -m benchmarks.supernet                       # a size for a CPU
    python -m benchmarks.supernet --images 50000 --resolution 32 --epochs 60 --device cuda
    python -m benchmarks.supernet --free                # what costs nothing, without a supernet
    python -m benchmarks.supernet --same 200            # slices against extracted files

One supernet of NAS-Bench-Macro's space is trained on CIFAR-10, every network is cut from it,
recalibrated and evaluated on held-out images, and its accuracy is held against the mean of the
file's three trainings: Kendall's τ. Beside it stand scores that cost nothing (multiply-adds,
parameters, depth, entropy), and, of a sample, those that look at images. Then: how many full
trainings a search needs to reach the best of 2,000 random ones, where it trains networks in the
order of an estimate, or as `bayesian` asks for them.

It goes on where it stopped: the supernet and each network's accuracy are kept in `--folder`, and
`--minutes` ends it early.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import write_result
from benchmarks.nas_bench_macro import DATA, JSON_FILE, SPACE
from effsearch.nas.evaluators.zero_cost.probing import probe_of
from effsearch.nas.evaluators.zero_cost.registry import SCORES, score_of
from effsearch.nas.objective import Objective
from effsearch.nas.problem import Problem, Result
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.space import Encodings, SearchSpace
from effsearch.search_spaces.space_file import load_space, shipped_spaces
from effsearch.training.data.dataset import load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.supernet.measuring import SupernetMeter
from effsearch.training.supernet.recipe import SupernetRecipe, supernet_recipe
from effsearch.training.supernet.running import supernet_data, train_supernet
from effsearch.training.supernet.storing import load_supernet
from effsearch.training.supernet.trainer import SupernetReport

CIFAR10 = DATA.parent / "cifar10"
WORK = Path(tempfile.gettempdir()) / "effsearch-supernet"
RANDOM = 2000
"""Trainings of the random search whose best is to be reached."""
SEEDS = 10
_ASKED = 200  # trainings of the Bayesian search; what it has not reached by then goes by chance
_CHUNK = 243  # networks that share their first blocks

Floats = NDArray[np.float64]


class OutOfTime(Exception):
    """The minutes are over; what is done is kept."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, evaluate, compare; write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(CIFAR10), help="folder of CIFAR-10")
    parser.add_argument("--table", type=Path, default=JSON_FILE, help="NAS-Bench-Macro's JSON")
    parser.add_argument("--recipe", default="fair", help="of the supernet")
    parser.add_argument("--images", type=int, default=6000, help="training images, a sample")
    parser.add_argument("--held-out", type=float, default=0.05, help="share to evaluate on")
    parser.add_argument("--resolution", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end early, keep all")
    parser.add_argument("--scored", type=int, default=100, help="networks for scores with images")
    parser.add_argument("--folder", type=Path, default=WORK, help="what is done so far")
    parser.add_argument("--free", action="store_true", help="leave the supernet out")
    parser.add_argument("--same", type=int, default=0, help="networks of each space: files alike?")
    parser.add_argument("--spaces", nargs="+", default=shipped_spaces(), help="for --same")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.same:
        _show_same(given.same, given.spaces)
        return
    until = time.monotonic() + 60 * given.minutes
    try:
        (_run_free if given.free else _run)(given, until)
    except OutOfTime:
        print("out of time: the same command continues", file=sys.stderr)


def _run(given: argparse.Namespace, until: float) -> None:
    space = load_space(str(SPACE))
    table = json.loads(given.table.read_text(encoding="utf-8"))
    rows = np.array([[int(one) for one in key] for key in table], dtype=np.int64)
    trained = np.array([entry["test_acc"] for entry in table.values()]) / 100
    recipe = _recipe(given)
    dataset = load_train(given.data, resolution=given.resolution, max_images=given.images)
    path = given.folder / "supernet.safetensors"

    def tell(report: SupernetReport) -> None:
        print(f"step {report.step} of {report.steps}, loss {report.loss:.3f}", file=sys.stderr)
        if time.monotonic() > until:
            raise OutOfTime

    info = train_supernet(path, space, dataset, recipe, device=given.device, on_report=tell)
    networks = [space.decode(row) for row in rows]
    found, seconds = _evaluated(given, path, networks, list(table), dataset, until)
    truth = trained.mean(1)
    estimates: dict[str, Floats] = {"supernet": found} | _closed_forms(networks)
    result: dict[str, Any] = {
        "settings": {
            name: value
            for name, value in vars(given).items()
            if name not in ("folder", "data", "table", "minutes", "same", "spaces", "free")
        },
        "networks": len(networks),
        "training": {
            "steps": info.progress["steps"],
            "networks_a_step": recipe.networks,
            "minutes": info.progress["seconds"] / 60,
        },
        "evaluation": {"minutes": seconds / 60, "held_out": int(given.images * given.held_out)},
        "supernet_accuracy": {"mean": float(found.mean()), "highest": float(found.max())},
        **_worths(estimates, trained),
        "trainings_to_reach_random": _trainings(estimates, trained, space, rows),
    }
    result["kendall_tau_of_a_sample"] = _sampled_scores(given, networks, truth, dataset)
    print(json.dumps(result, indent=2))
    print(f"written: {write_result('supernet', result)}")


def _run_free(given: argparse.Namespace, until: float) -> None:
    """The same of estimates that cost nothing, and of `bayesian`."""
    space = load_space(str(SPACE))
    table = json.loads(given.table.read_text(encoding="utf-8"))
    rows = np.array([[int(one) for one in key] for key in table], dtype=np.int64)
    trained = np.array([entry["test_acc"] for entry in table.values()]) / 100
    networks = [space.decode(row) for row in rows]
    estimates = _closed_forms(networks)
    result = {
        "networks": len(networks),
        **_worths(estimates, trained),
        "trainings_to_reach_random": _trainings(estimates, trained, space, rows),
    }
    dataset = load_train(given.data, resolution=given.resolution, max_images=given.images)
    result["kendall_tau_of_a_sample"] = {
        "networks": given.scored,
        **_sampled_scores(given, networks, trained.mean(1), dataset),
    }
    print(json.dumps(result, indent=2))
    print(f"written: {write_result('supernet_free', result)}")


def _closed_forms(networks: Sequence[Architecture]) -> dict[str, Floats]:
    """Scores that follow from a network's description alone."""
    return {
        name: np.array([score_of(name).measure(one, _no_probe()) for one in networks])
        for name in ("macs", "params", "depth", "entropy")
    }


def _worths(estimates: Mapping[str, Floats], trained: Floats) -> dict[str, Any]:
    """Kendall's τ of estimates with the mean of a network's trainings."""
    truth = trained.mean(1)
    best = _best(truth, 0.1)
    return {
        "kendall_tau": {name: _tau(values, truth) for name, values in estimates.items()},
        "kendall_tau_of_the_best_tenth": {
            name: _tau(values[best], truth[best]) for name, values in estimates.items()
        },
        "kendall_tau_between_single_trainings": _tau(trained[:, 0], trained[:, 1]),
    }


def _recipe(given: argparse.Namespace) -> SupernetRecipe:
    options = {
        "resolution": given.resolution,
        "validation": given.held_out,
        "lr": given.lr,
        "batch_size": 128,
        "flip": True,
    }
    found = supernet_recipe(given.recipe, "cifar10", options, given.epochs)
    return replace(
        found, training=replace(found.training, threads=given.threads), calibration_images=64
    )


def _evaluated(
    given: argparse.Namespace,
    path: Path,
    networks: Sequence[Architecture],
    keys: Sequence[str],
    dataset: ImageDataset,
    until: float,
) -> tuple[Floats, float]:
    """Accuracies of all networks by the supernet, and the seconds that took; chunk by chunk."""
    kept = given.folder / "accuracies.json"
    known: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"seconds": 0.0}
    accuracies: dict[str, float] = known.setdefault("accuracies", {})
    supernet, info = load_supernet(path)
    meter = SupernetMeter(supernet, supernet_data(dataset, info.recipe, given.device), info.recipe)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    for start in range(0, len(order), _CHUNK):
        chunk = [place for place in order[start : start + _CHUNK] if keys[place] not in accuracies]
        if not chunk:
            continue
        if time.monotonic() > until:
            raise OutOfTime
        begun = time.monotonic()
        found = meter.accuracies([networks[place] for place in chunk])
        accuracies |= {keys[place]: one for place, one in zip(chunk, found, strict=True)}
        known["seconds"] += time.monotonic() - begun
        kept.write_text(json.dumps(known))
        print(f"{len(accuracies)} of {len(keys)} networks", file=sys.stderr, flush=True)
    return np.array([accuracies[key] for key in keys]), known["seconds"]


def _tau(values: Floats, truth: Floats) -> float:
    from scipy.stats import kendalltau

    return round(float(kendalltau(values, truth)[0]), 4)


def _best(truth: Floats, share: float) -> NDArray[np.int64]:
    return np.argsort(-truth)[: int(share * len(truth))]


def _trainings(
    estimates: Mapping[str, Floats], trained: Floats, space: SearchSpace, rows: Encodings
) -> dict[str, Any]:
    """Full trainings until the best network so far is as good as random's best of 2,000.

    A training is one of the file's three, drawn by the seed; what counts as reached is the mean
    accuracy of the network with the best training so far.
    """
    truth = trained.mean(1)
    spent: dict[str, list[int]] = {name: [] for name in ("random", "bayesian", *estimates)}
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        seen = trained[np.arange(len(trained)), rng.integers(0, trained.shape[1], len(trained))]
        drawn = rng.permutation(len(trained))
        wanted = truth[drawn[:RANDOM]][np.argmax(seen[drawn[:RANDOM]])]
        spent["random"].append(_reached(drawn, seen, truth, wanted))
        asked = _asked_by_bayesian(space, rows, seen, seed)
        rest = drawn[~np.isin(drawn, asked)]
        spent["bayesian"].append(_reached(np.append(asked, rest), seen, truth, wanted))
        for name, values in estimates.items():
            order = np.lexsort((rng.random(len(values)), -values))
            spent[name].append(_reached(order, seen, truth, wanted))
    return {
        name: {"median": float(np.median(counts)), "seeds": counts}
        for name, counts in spent.items()
    }


def _asked_by_bayesian(
    space: SearchSpace, rows: Encodings, seen: Floats, seed: int
) -> NDArray[np.int64]:
    """Places of the networks that a search without any estimate asks for, in their order."""
    problem = Problem.of(space, Objective())
    strategy = Bayesian(problem, seed)
    places = {space.decode(row).id: place for place, row in enumerate(rows)}
    asked: list[int] = []
    while len(asked) < _ASKED:
        batch = strategy.ask(strategy.default_batch)
        found = [places[candidate.id] for candidate in batch]
        strategy.tell(
            [
                Result(candidate, float(seen[place]), float(seen[place]))
                for candidate, place in zip(batch, found, strict=True)
            ]
        )
        asked += found
    return np.array(asked, dtype=np.int64)


def _reached(order: NDArray[np.int64], seen: Floats, truth: Floats, wanted: float) -> int:
    """How many of an order are trained until the best of them is as good as wanted."""
    best = -1
    for count, place in enumerate(order, start=1):
        if best < 0 or seen[place] > seen[best]:
            best = int(place)
        if truth[best] >= wanted:
            return count
    return len(order)


def _sampled_scores(
    given: argparse.Namespace,
    networks: Sequence[Architecture],
    truth: Floats,
    dataset: ImageDataset,
) -> dict[str, float]:
    """τ of every zero-cost score on a sample of the networks."""
    chosen = np.random.default_rng(0).choice(len(networks), given.scored, replace=False)
    probe = probe_of(dataset, _recipe(given).training)
    found = {}
    for name in SCORES:
        score = score_of(name)
        values = np.array([score.measure(networks[place], probe) for place in chosen])
        found[name] = _tau(values, truth[chosen])
        print(f"{name}: {found[name]:.3f} on {given.scored}", file=sys.stderr, flush=True)
    return found


def _no_probe() -> Any:
    """Closed forms do not look at it."""
    return None


def _show_same(count: int, spaces: Sequence[str]) -> None:
    """The largest difference between logits of slices and of extracted files, space by space."""
    import torch

    from effsearch.training.models.model_file import read_model
    from effsearch.training.supernet.calibration import recalibrate
    from effsearch.training.supernet.extracting import extract
    from effsearch.training.supernet.supernet import Supernet

    torch.set_num_threads(1)
    info: Any = SimpleNamespace(
        class_names=tuple("0123456789"),
        resolution=32,
        mean=(1.0, 1.0, 1.0),
        std=(1.0, 1.0, 1.0),
        data={"name": "noise"},
        recipe=SupernetRecipe(),
    )
    found: Any = SimpleNamespace(top1=0.0, loss=1.0)
    for name in spaces:
        space = load_space(name)
        supernet = Supernet(space, 10)
        images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
        largest = 0.0
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "one.safetensors")
            for row in space.sample(np.random.default_rng(0), count):
                cut = recalibrate(supernet.cut(space.decode(row)), [images])
                extract(path, cut, info, found, {})
                alone, _ = read_model(path)
                alone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                with torch.no_grad():
                    largest = max(largest, float((alone(images) - cut(images)).abs().max()))
        print(f"{name}: {count} networks, largest difference of logits {largest:.1e}", flush=True)


if __name__ == "__main__":
    main()
