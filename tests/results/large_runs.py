"""Runs as large as people's: what a picture of them must bear. No search ran, no network trained.

`python tests/results/large_runs.py FOLDER` writes their pages, to be looked at in a browser.
"""

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import other_kinds
from making import asked, failed, make_run, told, write_ledger

from effsearch.gridsearch.family import scale_family
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.results.loading import load_run_data
from effsearch.results.store.ledger import Event
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.space_file import load_space

EPOCHS = 6


def baseline(root: Path, trials: int = 200) -> RunData:
    """A search of the default space with learning curves, five finalists and three references."""
    space = load_space("mnasnet")
    rng = np.random.default_rng(0)
    with make_run(root) as run:
        events: list[Event] = []
        for number, row in enumerate(space.sample(rng, trials)):
            network = replace(space.decode(row), resolution=32, classes=10)
            counted = cost(network)
            skill = 0.45 * (number / trials) ** 0.5 + 0.06 * np.log10(counted.params) - 0.1
            accuracy = float(np.clip(skill + rng.normal(0, 0.04), 0.05, 0.95))
            ends = [accuracy * (1 - 0.9 * 0.5**epoch) for epoch in range(1, EPOCHS)]
            curve = [float(value + rng.normal(0, 0.01)) for value in ends] + [accuracy]
            events.append(
                asked(
                    number,
                    arch_id=network.id,
                    architecture=format_architecture(network),
                    encoding=tuple(map(int, row)),
                    costs={"macs": counted.macs, "params": counted.params},
                )
            )
            events.append(
                failed(number)
                if number % 23 == 22
                else told(
                    number, measurements={"accuracy": accuracy, "curve": curve}, reward=accuracy,
                    time=1_700_000_100.0 + 40 * number,
                )
            )  # fmt: skip
        write_ledger(run.paths.ledger, events)
        run.finish("finished")
    data = load_run_data(run)
    best = sorted(data.done, key=lambda one: -(one.reward or 0))[:5]
    rows = [
        _trained(0.97 - 0.004 * place, rng)
        | {
            "trial": one.number, "id": one.arch_id, "macs": one.costs["macs"],
            "search_accuracy": one.accuracy, "tied": place < 3, "reward": 0.9,
        }
        for place, one in enumerate(best)
    ]  # fmt: skip
    macs = best[0].costs["macs"]
    references = [
        _trained(accuracy, rng) | {
            "name": name, "macs": factor * macs, "params": 4e6, "difference": 0.01,
            "difference_low": None, "difference_high": None, "macs_ratio": 1 / factor,
        }
        for name, accuracy, factor in (
            ("efficientnet-b0", 0.955, 1.3), ("mobilenet-v2", 0.95, 0.9),
            ("efficientnet-lite0-with-a-long-name", 0.93, 12),
        )
    ]  # fmt: skip
    finalists = {"rows": rows, "confidence": 0.9, "low": rows[0]["low"], "high": rows[0]["high"]}
    answer = {
        "accuracy": rows[0]["accuracy"], "trial": best[0].number, "id": best[0].arch_id,
        "finalists": finalists, "references": references,
    }  # fmt: skip
    about = {
        "data": {"name": "digits", "validation_images": 359, "classes": 10},
        "recipe": {"epochs": EPOCHS, "resolution": 32},
    }
    median = int(np.median([one.costs["macs"] for one in data.done]))
    return replace(
        data, answer=answer, record=data.record | about, targets={"macs": median, "params": 4e6}
    )


def _trained(accuracy: float, rng: np.random.Generator) -> dict[str, Any]:
    seeds = [float(accuracy + rng.normal(0, 0.004)) for _ in range(2)]
    mean = sum(seeds) / len(seeds)
    return {"accuracy": mean, "low": mean - 0.008, "high": mean + 0.006, "seeds": seeds}


def coefficients(root: Path) -> RunData:
    """The default grid: 108 triples, what is expected of them, and the best five trained longer."""
    rng = np.random.default_rng(1)
    whole = other_kinds.coefficients(root)
    triples = [
        (a / 20, b / 20, g / 20)
        for a in range(20, 41)
        for b in range(20, 31)
        for g in range(20, 31)
        if abs(a * b * b * g * g / 20**5 - 2) <= 0.1
    ]
    rows = []
    for place, (alpha, beta, gamma) in enumerate(triples):
        expected = 0.9 - 0.3 * ((alpha - 1.2) ** 2 + (beta - 1.1) ** 2 + (gamma - 1.15) ** 2)
        seeds = [float(expected + rng.normal(0, 0.01)) for _ in range(2)]
        rows.append(
            dict(whole.rows[0])
            | {
                "alpha": alpha, "beta": beta, "gamma": gamma, "product": alpha * beta**2 * gamma**2,
                "network": f"net{place}", "macs": 7e8 + 1e6 * place,
                "measured_ratio": 1.9 + 1.3 * float(rng.random()), "expected": expected,
                "accuracy": sum(seeds) / 2, "accuracies": " ".join(map(str, seeds)), "seeds": 2,
                "top_accuracy": None, "top_low": None, "top_high": None, "top_accuracies": "",
                "tied": False, "chosen": (alpha, beta, gamma) == (1.2, 1.1, 1.15),
            }
        )  # fmt: skip
    for row in sorted(rows, key=lambda row: -row["expected"])[:5]:
        longer = _trained(row["expected"] + 0.06, rng)
        row |= {"tied": True} | {
            f"top_{name}": longer[name] for name in ("accuracy", "low", "high")
        }
        row["top_accuracies"] = " ".join(map(str, longer["seeds"]))
    answer = (whole.answer or {}) | {
        "grid": {"triples": len(rows), "networks": 65, "failed": 0},
        "top": 5,
        "recipe": {"epochs": 10, "resolution": 16, "augment": "none", "optimizer": {"name": "sgd"}},
    }
    return _with_rows(whole, "trials.csv", rows, answer)


def comparison(root: Path) -> RunData:
    """Three baselines at four budgets."""
    rng = np.random.default_rng(2)
    whole = other_kinds.comparison(root)
    rows = []
    for place, name in enumerate(("mobilenet-v1", "mobilenet-v2", "resnet-50")):
        for step, budget in enumerate((1, 2, 4, 8, 16)):
            methods = ("baseline",) if step == 0 else ("depth", "width", "resolution", "compound")
            for order, method in enumerate(methods):
                accuracy = 0.7 + 0.02 * place + 0.02 * step + 0.006 * order * step
                accuracy += float(rng.normal(0, 0.004))
                rows.append(
                    dict(whole.rows[0])
                    | {
                        "baseline": name, "method": method, "macs": 3e8 * (1 + place) * budget,
                        "accuracy": accuracy, "low": accuracy - 0.012, "high": accuracy + 0.012,
                        "accuracies": f"{accuracy - 0.004} {accuracy + 0.004}", "tied": order > 2,
                        "network": f"{place}{step}{order}",
                    }
                )  # fmt: skip
    return _with_rows(whole, "comparison.csv", rows, whole.answer or {})


def family(root: Path) -> RunData:
    """φ from 0 to 7 of B0, by the paper's triple, and two members trained on two sets of data."""
    options = ScaleOptions(
        baseline="efficientnet-b0", coefficients="1.2,1.1,1.15", phis=tuple(map(float, range(8)))
    )
    data = load_run_data(Run.load(Path(scale_family(options, run_dir=root).path)))
    for phi in (0, 1, 2):
        other_kinds.training(root, model=f"{data.path}/phi{phi}.json (member phi{phi})")
    return data


def training(root: Path) -> RunData:
    """Forty epochs."""
    return other_kinds.training(root, epochs=40)


def bench(root: Path) -> RunData:
    """Seven strategies with eight seeds each, whose intervals overlap."""
    rng = np.random.default_rng(3)
    data = other_kinds.bench(root)
    names = ("random", "local_search", "evolution", "ppo", "tpe", "bayesian", "nsga2")
    with (Path(data.path) / "traces.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["strategy", "seed", "evaluation", "reward"])
        for place, name in enumerate(names):
            for seed in range(8):
                speed = 0.02 + 0.01 * place
                steps = 0.72 - 0.06 * np.exp(-speed * np.arange(200)) - 0.01 / (1 + place)
                steps += rng.normal(0, 0.004) + np.maximum.accumulate(rng.normal(0, 0.002, 200))
                for number, reward in enumerate(steps, start=1):
                    writer.writerow([name, seed, number, round(float(reward), 6)])
    return data


def _with_rows(
    data: RunData, table: str, rows: list[dict[str, Any]], answer: dict[str, Any]
) -> RunData:
    with (Path(data.path) / table).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    run = Run.load(Path(data.path))
    run.paths.answer.write_text(json.dumps(answer))
    return load_run_data(run)


MAKERS: dict[str, Callable[[Path], RunData]] = {
    "baseline": baseline,
    "coefficients": coefficients,
    "comparison": comparison,
    "family": family,
    "train": training,
    "bench": bench,
}


def main() -> None:
    """Write a page for each kind of run."""
    from effsearch.results.report.page import report_page

    folder = Path(sys.argv[1])
    wanted = sys.argv[2:] or list(MAKERS)
    for kind in wanted:
        (folder / "made" / kind).mkdir(parents=True, exist_ok=True)
        page = report_page([MAKERS[kind](folder / "made" / kind)])
        (folder / f"{kind}.html").write_text(page)


if __name__ == "__main__":
    main()
