"""What a supernet of `mnasnet` learns on the digits within minutes, and how it ranks.

    python -m benchmarks.supernet_digits                        # the default recipe, then trainings
    python -m benchmarks.supernet_digits --recipe single_path --epochs 40

The supernet is trained on networks within a band of multiply-adds. Random networks of the band
are cut from it, recalibrated and evaluated, each is also trained by itself as a search would, and
Kendall's τ is taken between the two, and beside it of scores that need no training. It goes on
where it stopped: supernet and trainings are kept in `--folder`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

from benchmarks.machine import write_result
from effsearch.nas.evaluators.zero_cost.probing import probe_of
from effsearch.nas.evaluators.zero_cost.registry import SCORES, score_of
from effsearch.nas.objective import make_objective
from effsearch.nas.options import ObjectiveOptions
from effsearch.nas.problem import Problem
from effsearch.nas.supernet_in_run import band_draw
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.space_file import load_space
from effsearch.training.data.dataset import load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.recipes.recipe import proxy_recipe
from effsearch.training.supernet.measuring import SupernetMeter
from effsearch.training.supernet.recipe import default_recipe, supernet_recipe
from effsearch.training.supernet.running import supernet_data, train_supernet
from effsearch.training.supernet.storing import load_supernet
from effsearch.training.supernet.trainer import SupernetReport
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.proxy import ProxyEvaluator

WORK = Path(tempfile.gettempdir()) / "effsearch-supernet-digits"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, cut, compare; write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--space", default="mnasnet")
    parser.add_argument("--recipe", help="of the supernet [the space's default]")
    parser.add_argument("--epochs", type=int, help="of the supernet [the recipe's]")
    parser.add_argument("--target-flops", type=float, default=400e6)
    parser.add_argument("--cost-band", type=float, default=0.5)
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--training-epochs", type=int, help="of each network [a search's]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=WORK, help="what is done so far")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    space = load_space(given.space)
    options = ObjectiveOptions(target_flops=given.target_flops, cost_band=given.cost_band)
    draw = band_draw(Problem.of(space, make_objective(options)))
    assert draw is not None
    named = given.recipe or default_recipe(space)
    recipe = supernet_recipe(named, "digits", {}, given.epochs)
    dataset = load_train("digits", resolution=recipe.training.resolution)
    path = given.folder / f"{named}-{recipe.training.epochs}-{given.seed}.safetensors"

    def tell(report: SupernetReport) -> None:
        print(report.progress, flush=True)

    info = train_supernet(
        path, space, dataset, recipe, device="cpu", seed=given.seed, draw=draw, band="band",
        on_report=tell,
    )  # fmt: skip
    networks = [space.decode(row) for row in draw(np.random.default_rng(77), given.networks)]
    supernet, _ = load_supernet(path)
    meter = SupernetMeter(supernet, supernet_data(dataset, recipe, "cpu"), recipe)
    begun = time.perf_counter()
    found = [meter.evaluate(meter.network(network)) for network in networks]
    seconds = time.perf_counter() - begun
    accuracies = np.array([one.top1 for one in found])
    truth = _trainings(given, networks, dataset)
    estimates = {
        "accuracy of the supernet": accuracies,
        "loss of the supernet": np.array([-one.loss for one in found]),
    }
    probe = probe_of(dataset, recipe.training)
    for name in SCORES:
        estimates[name] = np.array([score_of(name).measure(one, probe) for one in networks])
    result: dict[str, Any] = {
        "recipe": named,
        "epochs": recipe.training.epochs,
        "seed": given.seed,
        "training": {"steps": info.progress["steps"], "seconds": info.progress["seconds"]},
        "evaluation_seconds": seconds,
        "networks": len(networks),
        "supernet_accuracy": _spread(accuracies),
        "trained_accuracy": _spread(truth),
        "kendall_tau": {
            name: round(float(kendalltau(values, truth)[0]), 3)
            for name, values in estimates.items()
        },
    }
    print(json.dumps(result, indent=2))
    longer = f"_{given.training_epochs}_epochs" if given.training_epochs else ""
    print(f"written: {write_result(f'supernet_digits_{named}{longer}', result)}")


def _spread(values: np.ndarray[Any, Any]) -> dict[str, float]:
    return {
        "mean": round(float(values.mean()), 4),
        "lowest": round(float(values.min()), 4),
        "highest": round(float(values.max()), 4),
    }


def _trainings(
    given: argparse.Namespace, networks: Sequence[Architecture], dataset: ImageDataset
) -> np.ndarray[Any, Any]:
    """Accuracies of networks trained one by one; those of an earlier start are kept."""
    options = {} if given.training_epochs is None else {"epochs": given.training_epochs}
    recipe = proxy_recipe("digits", options)
    kept = given.folder / f"trainings-{given.space}-{recipe.epochs}.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {row["id"]: row["accuracy"] for row in map(json.loads, lines)}
    evaluator = ProxyEvaluator(dataset, recipe, "cpu")
    evaluator.prepare()
    for number, network in enumerate(networks):
        if network.id in known:
            continue
        (one,) = evaluator.evaluate([Request(number, network, number)])
        known[network.id] = one["accuracy"]
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"id": network.id, "accuracy": one["accuracy"]}) + "\n")
        print(f"{len(known)} trained by themselves", flush=True)
    return np.array([known[network.id] for network in networks])


if __name__ == "__main__":
    main()
