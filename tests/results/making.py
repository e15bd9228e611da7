"""Events and runs that the tests of `results` are made of."""

from pathlib import Path
from typing import Any

from effsearch.results.store.ledger import Asked, Event, Failed, Ledger, Told
from effsearch.results.store.run import Run


def asked(trial: int, **changes: Any) -> Asked:
    values: dict[str, Any] = {
        "trial": trial,
        "batch": trial // 4,
        "seed": 1000 + trial,
        "arch_id": f"a{trial:07x}",
        "architecture": f"stem c32 s2 | ir_r{trial % 4 + 1}_k3_s2_e6_c24_se0.25 | head 1280",
        "encoding": (trial % 3, trial % 5, 7),
        "costs": {"macs": 385_000_000 + trial, "params": 5_288_548, "memory_bytes": 12_345_678},
        "time": 1_700_000_000.0 + trial,
    }
    return Asked(**(values | changes))


def told(trial: int, **changes: Any) -> Told:
    values: dict[str, Any] = {
        "trial": trial,
        "measurements": {"accuracy": (50 + trial) / 100, "curve": [0.25, 0.5]},
        "reward": (40 + trial) / 100,
        "seconds": 1.5,
        "worker": "node/41",
        "time": 1_700_000_100.0 + trial,
    }
    return Told(**(values | changes))


def failed(trial: int, **changes: Any) -> Failed:
    values: dict[str, Any] = {
        "trial": trial,
        "reason": "error",
        "error": "RuntimeError: no [bold]luck[/bold]",
        "seconds": 0.25,
        "worker": "node/42",
        "time": 1_700_000_200.0 + trial,
    }
    return Failed(**(values | changes))


def small_search() -> list[Event]:
    """Six trials: four done, one failed, one waiting."""
    return [
        *(asked(trial) for trial in range(6)),
        *(told(trial) for trial in range(4)),
        failed(4),
    ]


def write_ledger(path: Path, events: list[Event]) -> None:
    with Ledger.open(path) as ledger:
        ledger.append(*events)


def make_run(root: Path, kind: str = "baseline", name: str | None = None) -> Run:
    return Run.create(
        root,
        kind,
        name,
        command=["effsearch", kind, "--target-flops", "400M"],
        config={"seed": 3, "space": "mnasnet", "resolutions": (32, 64), "data": Path("digits")},
        extra={"targets": {"macs": 400_000_000}},
    )


def finished_run(root: Path, kind: str = "baseline", name: str | None = None) -> Run:
    with make_run(root, kind, name) as run:
        write_ledger(run.paths.ledger, small_search())
        run.finish("finished")
    return run
