"""The commands that are stopped: each with a run to resume, and what its end is judged by."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOG = "FAULTS_LOG"
TINY = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
SPACE = """
name: tiny
resolution: 16
classes: 10
stem: {channels: 8, stride: 1}
stages:
  - {op: mbconv, channels: [8, 12, 16], expand: [1, 2], kernel: [3, 5], layers: [1, 2]}
  - {op: mbconv, channels: [16, 24, 32], expand: [1, 2, 3], layers: [1, 2], stride: 2}
head: {channels: [32, 64]}
"""
EVALUATOR = """
import os, time

def evaluate(architecture, seed):
    time.sleep(0.03)
    with open(os.environ["FAULTS_LOG"], "a") as file:
        print(architecture.id, seed, file=file)
    value = int(architecture.id, 16) % 997 / 997
    return {"accuracy": value, "curve": [value / 2, value]}
"""
_VOLATILE = ("run", "path", "seconds", "images_per_second", "created_at", "versions", "time")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that works long.

    Attributes:
        name: in the table.
        start: its words, besides the name of its run.
        kind: of its runs; None where the same words go on with it.
        evidence: what has to be the same, of the folder that it ran in.
        writes: at most so many are waited for before it is stopped.
    """

    name: str
    start: Sequence[str]
    kind: str | None
    evidence: Callable[[Path], Any]
    writes: int = 8

    @property
    def starts_ray(self) -> bool:
        """Whether it runs trials: Ray does not survive being forked off with a program."""
        return self.kind in ("baseline", "coefficients", "comparison")


def _searched(*files: str) -> Callable[[Path], Any]:
    def evidence(run: Path) -> Any:
        digests = {name: _digest(run / name) for name in files}
        return {"digests": digests, "answer": _answer(run), "files": _files(run)}

    return evidence


def _digest(ledger: Path) -> str:
    from effsearch.results.store.ledger import digest, history

    return digest(history(ledger)) if ledger.exists() else "none"


def _answer(run: Path) -> Any:
    """The answer without what differs between two runs of the same search."""
    (path,) = [one for one in run.glob("*.json") if one.name not in ("run.json",)]
    return _steady(json.loads(path.read_text(encoding="utf-8")))


def _steady(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _steady(item) for key, item in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_steady(item) for item in value]
    return value


def _trained(run: Path) -> Any:
    """Hashes of the tensors, and the losses of each epoch."""
    from safetensors.numpy import load_file

    tensors = {
        name: hashlib.sha256(
            b"".join(key.encode() + value.tobytes() for key, value in sorted(found.items()))
        ).hexdigest()
        for name in ("best", "last")
        for found in [load_file(run / "checkpoints" / f"{name}.safetensors")]
    }
    rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return {"tensors": tensors, "epochs": [",".join(row.split(",")[:8]) for row in rows],
            "files": _files(run)}  # fmt: skip


def _benched(run: Path) -> Any:
    return {"answer": _answer(run), "traces": _hash(run / "traces.csv"), "files": _files(run)}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lines_kept(where: Path) -> Counter[str]:
    """The whole lines of what only grows: ledgers, searches that have ended, measured layers."""
    files = (*where.glob("*.jsonl"), *where.glob("table.csv"))
    return Counter(
        f"{file.name}: {line}"
        for file in files
        for line in file.read_bytes().decode("utf-8", "replace").split("\n")[:-1]
    )


def _files(run: Path) -> list[str]:
    """Names of what a run consists of, so that nothing a dead one began is left in it."""
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())


def _table(folder: Path) -> Any:
    """The layers that were measured; the times differ from measurement to measurement."""
    lines = (folder / "table.csv").read_text(encoding="utf-8").splitlines()
    rows = sorted(line.rpartition(",")[0] for line in lines if line and not line.startswith("#"))
    return {"rows": len(rows), "twice": len(rows) - len(set(rows))}


def _baseline(name: str, *more: str) -> Command:
    words = (
        "baseline", "--space", "tiny.yaml", "--evaluator", "measure.py:evaluate", "--samples", "24",
        "--batch-size", "4", "--workers", "1", "--target-flops", "2M", "--cost-band", "0.5", "-q",
    )  # fmt: skip
    return Command(
        name=f"baseline {name}",
        start=(*words, *more),
        kind="baseline",
        evidence=_searched("trials.jsonl", "finalists.jsonl"),
    )


_SHORT = ("--epochs", "1", "--max-images", "100", "--proxy-resolution", "8", "--device", "cpu")

_BASELINES: Sequence[Command] = (
    *(
        _baseline(strategy, "--strategy", strategy)
        for strategy in ("random", "evolution", "local_search", "ppo", "tpe", "nsga2", "bayesian")
    ),
    _baseline(
        "halving",
        "--strategy",
        "evolution",
        "--evaluator",
        "proxy",
        "--pruning",
        "halving",
        *_SHORT,
        "--epochs",
        "3",
        "--samples",
        "12",
    ),
    _baseline("finalists", "--finalists", "3", "--finalist-seeds", "2", "--samples", "12"),
)
OTHERS: Sequence[Command] = (
    Command(
        name="coefficients",
        start=("coefficients", "--baseline", TINY, "--step", "0.25", "--tolerance", "0.3",
               "--workers", "1", *_SHORT, "-q"),
        kind="coefficients",
        evidence=_searched("trials.jsonl"),
    ),
    Command(
        name="compare-scaling",
        start=("compare-scaling", "--baseline", TINY, "--budgets", "2", "--budget-tolerance",
               "0.25", "--seeds", "2", "--coefficients", "1.2,1.1,1.15", "--workers", "1",
               *_SHORT, "-q"),
        kind="comparison",
        evidence=_searched("trials.jsonl"),
        writes=3,
    ),
    Command(
        name="train",
        start=("train", "--model", TINY, "--max-images", "600", "--epochs", "8", "--set",
               "threads=1", "--checkpoint-minutes", "0", "--device", "cpu", "-q"),
        kind="train",
        evidence=_trained,
        writes=4,
    ),
    Command(
        name="bench",
        start=("bench", "--space", "tiny.yaml", "--strategies", "random,evolution,bayesian",
               "--seeds", "3", "--samples", "40", "--target-flops", "1.4M", "-q"),
        kind="bench",
        evidence=_benched,
        writes=2,
    ),
    Command(
        name="lut build",
        start=("lut", "build", "--space", "tiny.yaml", "--passes", "1", "--networks", "9",
               "--output", "table.csv", "-q"),
        kind=None,
        evidence=_table,
        writes=2,
    ),
)  # fmt: skip

_COEFFICIENTS, _COMPARISON, _TRAIN, _BENCH, _LUT = OTHERS
_SECOND = (*_BASELINES[5:], *_BASELINES[:5])

CHAINS: Sequence[Command] = tuple(
    command
    for turn in range(9)
    for command in (
        _TRAIN, _BENCH, _LUT, _BASELINES[turn], _SECOND[turn],
        *((_COEFFICIENTS,) if turn % 2 == 0 else (_COMPARISON,)),
    )
)  # fmt: skip
"""What is stopped, chain by chain; a campaign that ends early has met every command."""
