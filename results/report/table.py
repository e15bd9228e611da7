"""All trials of a run as compact plain data for the page's script.

The same stage at the same place occurs in many networks, so stages are listed once and trials
name them by number.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from effsearch.results.stages import StageSummary, stage_summaries
from effsearch.results.store.directory import run_dir_option
from effsearch.results.store.run_data import RunData
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.architecture import Architecture

_LONGEST_CURVE = 200
STAGE_KEYS = ("name", "operator", "channels", "layers", "stride", "in_size", "out_size", "se",
              "skip", "macs", "params")  # fmt: skip


def page_data(data: RunData) -> dict[str, Any]:
    """Columns, rows, stages, and what of a trial is shown on a click.

    `rows` hold one value a column; `networks` for each row the numbers of its `stages`, or None
    where its notation cannot be read; `details` the rest of each trial.
    """
    trials = data.trials
    costs = list(dict.fromkeys(name for trial in trials for name in trial.costs))
    numbers: dict[StageSummary, int] = {}
    networks = [_stage_numbers(network, numbers) for network in data.networks]
    return {
        "run": data.reference,
        "folder": run_dir_option(Path(data.path)),
        "columns": ["trial", "state", "reward", "accuracy", *costs, "seconds", "id"],
        "rows": [
            [
                trial.number,
                trial.state,
                _rounded(trial.reward),
                _rounded(trial.accuracy),
                *(trial.costs.get(name) for name in costs),
                _rounded(trial.seconds),
                trial.arch_id,
            ]
            for trial in trials
        ],
        "architectures": [trial.architecture for trial in trials],
        "stageKeys": STAGE_KEYS,
        "stages": [[getattr(stage, key) for key in STAGE_KEYS] for stage in numbers],
        "networks": networks,
        "details": [_detail(trial) for trial in trials],
    }


def script_json(document: object) -> str:
    """JSON that can stand within a `<script>` element whatever text it holds."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    # ensure_ascii has escaped everything else that HTML or JavaScript could take amiss.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _stage_numbers(
    network: Architecture | None, numbers: dict[StageSummary, int]
) -> list[int] | None:
    if network is None:
        return None
    return [numbers.setdefault(stage, len(numbers)) for stage in stage_summaries(network)]


def _detail(trial: Trial) -> dict[str, Any]:
    """What the row does not show; what a trial does not have is left out."""
    shown: dict[str, Any] = {
        "batch": trial.batch,
        "seed": trial.seed,
        "worker": trial.worker,
        "reason": trial.reason,
        "error": trial.error,
    }
    for name, value in trial.measurements.items():
        if name == "accuracy":
            continue
        if _is_curve(value):
            shown[name] = [_rounded(point) for point in value]  # type: ignore[attr-defined]
        elif isinstance(value, str | int | float):
            shown[name] = _rounded(value) if isinstance(value, float) else value
    return {name: value for name, value in shown.items() if value is not None}


def _is_curve(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) <= _LONGEST_CURVE
        and all(isinstance(point, int | float) for point in value)
    )


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.6g}")
