"""Small runs of the kinds that are no searches: a grid, a comparison, a family, a bench, …"""

import csv
import json
from pathlib import Path
from typing import Any

from making import asked, make_run, told, write_ledger

from effsearch.gridsearch.family import scale_family
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.nas.bench.config import BenchConfig
from effsearch.nas.bench.run import compare_strategies
from effsearch.results.loading import load_run_data
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.runs.metrics import COLUMNS, write_rows


def coefficients(root: Path, *, top: bool = True, **changes: Any) -> RunData:
    """Four triples of four networks; the third is chosen, and tied with the second."""
    rows = []
    for place, (alpha, beta, gamma) in enumerate(
        ((2.0, 1.0, 1.0), (1.0, 1.2, 1.15), (1.2, 1.1, 1.15), (1.0, 1.0, 1.4))
    ):
        longer = top and place in (1, 2)
        rows.append(
            {
                "alpha": alpha,
                "beta": beta,
                "gamma": gamma,
                "product": alpha * beta**2 * gamma**2,
                "network": f"net{place}",
                "macs": 700_000_000 + 10_000_000 * place,
                "measured_ratio": 1.9 + 0.4 * place,
                "state": "done",
                "accuracy": 0.8 + 0.04 * place,
                "low": 0.75,
                "high": 0.99,
                "seeds": 1,
                "accuracies": f"{0.8 + 0.04 * place}",
                "top_accuracy": 0.95 if longer else None,
                "top_low": 0.93 if longer else None,
                "top_high": 0.97 if longer else None,
                "top_accuracies": "0.94 0.96" if longer else "",
                "tied": place in (1, 2),
                "chosen": place == 2,
                "error": "",
            }
        )
    answer = {
        "alpha": 1.2,
        "beta": 1.1,
        "gamma": 1.15,
        "phi": 1.0,
        "product": 1.92,
        "measured_ratio": 2.7,
        "accuracy": 0.95,
        "accuracy_interval": [0.93, 0.97],
        "confidence": 0.9,
        "seeds": 2,
        "top": 2 if top else 0,
        "ties": [{}, {}],
        "grid": {"triples": 4, "networks": 4, "failed": 0},
        "data": {"name": "digits"},
    }
    return _finish(root, "coefficients", "trials.csv", rows, answer | changes)


def comparison(root: Path, *, seeds: int = 2, name: str = "efficientnet-b0") -> RunData:
    """One baseline at one budget; `resolution` is best, tied with `compound`; depth missed it."""
    rows = []
    for place, method in enumerate(("baseline", "depth", "width", "resolution", "compound")):
        reached = method != "depth"
        accuracy = 0.5 + 0.1 * place if method != "compound" else 0.79
        known = reached and seeds > 1
        rows.append(
            {
                "baseline": name,
                "method": method,
                "budget": 385_814_752 * (1 if method == "baseline" else 2),
                "network": f"net{place}",
                "macs": 385_814_752 * (1 if method == "baseline" else 2) + place,
                "budget_error": 0.001,
                "state": "done" if reached else "unreachable",
                "accuracy": accuracy if reached else None,
                "low": accuracy - 0.02 if known else None,
                "high": accuracy + 0.02 if known else None,
                "seeds": seeds if reached else 0,
                "accuracies": " ".join([f"{accuracy:.3f}"] * seeds) if reached else "",
                "tied": method in ("resolution", "compound"),
                "error": "",
            }
        )
    answer = {
        "seeds": seeds,
        "confidence": 0.9,
        "noise": 0.01 if seeds > 1 else None,
        "data": {"name": "digits"},
        "recipe": {"epochs": 3, "resolution": 16},
    }
    return _finish(root, "comparison", "comparison.csv", rows, answer)


def family(root: Path) -> RunData:
    """Three members of MobileNetV2."""
    options = ScaleOptions(
        baseline="mobilenet-v2", coefficients="1.2,1.1,1.15", phis=(0.0, 1.0, 2.0)
    )
    return load_run_data(Run.load(scale_family(options, run_dir=root).path))


def bench(root: Path) -> RunData:
    """Two strategies, each with two seeds, in a space too large to know its best."""
    config = BenchConfig(strategies=("random", "evolution"), seeds=2, samples=30)
    return load_run_data(Run.load(compare_strategies(config, {}, run_dir=root, quiet=True).path))


def training(root: Path, *, epochs: int = 4, answer: bool = True, model: str = "x") -> RunData:
    """A training whose resolution grows and whose last epoch is its best."""
    with Run.create(
        root,
        "train",
        command=["effsearch", "train"],
        config={"seed": 0},
        extra={
            "architecture": load_zoo("mobilenet-v2").to_dict(),
            "model": model,
            "data": {"name": "digits"},
            "recipe": {"epochs": 4},
            "device": "cpu",
        },
    ) as run:
        write_rows(run.path / "metrics.csv", [_epoch(epoch) for epoch in range(1, epochs + 1)])
        if answer:
            run.paths.answer.write_text(json.dumps(_trained(epochs)))
            run.finish("finished")
    return load_run_data(run)


def _epoch(epoch: int) -> dict[str, Any]:
    values: list[float | None] = [
        epoch, 36 * epoch, 0.1 / epoch, 16 + 8 * (epoch > 2), 2.0 / epoch, 2.2 / epoch,
        1 - 0.5 / epoch, 1 - 0.1 / epoch, 3.5, 400.0,
    ]  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _trained(epochs: int) -> dict[str, Any]:
    part = {"images": 360, "top1": 0.9, "top5": 1.0, "loss": 0.3}
    return {
        "id": "f5d9815b2a8b",
        "macs": 300_774_272,
        "params": 3_504_872,
        "resolution": 224,
        "epochs": epochs,
        "best_epoch": epochs,
        "accuracy": {"validation": part | {"top1": 0.92}, "test": part},
        "images_per_second": 400.0,
        "seconds": 14.0,
        "device": "cpu",
        "data": {"name": "digits"},
    }


def _finish(
    root: Path, kind: str, table: str, rows: list[dict[str, Any]], answer: dict[str, Any]
) -> RunData:
    with make_run(root, kind) as run:
        write_ledger(run.paths.ledger, [event for n in range(4) for event in (asked(n), told(n))])
        with (run.path / table).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        run.paths.answer.write_text(json.dumps(answer))
        run.finish("finished")
    return load_run_data(run)
