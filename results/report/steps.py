"""What a run's opening is made of: sentences, and the commands to run next."""

from dataclasses import dataclass
from pathlib import Path

from effsearch.results.store.directory import RESUMED_BY, resume_command, run_dir_option
from effsearch.results.store.run_data import RunData


@dataclass(frozen=True)
class Step:
    """Something to run next: why, and the command."""

    why: str
    command: str


@dataclass(frozen=True)
class Words:
    """The opening of a report: sentences, and steps."""

    sentences: tuple[str, ...]
    steps: tuple[Step, ...] = ()


def go_on(data: RunData) -> tuple[Step, ...]:
    """Follow a run that is running, or go on with one that stopped before its end."""
    if data.status == "running":
        return (Step("Follow it", command(data, f"results watch {data.reference}")),)
    if data.kind in RESUMED_BY and data.status in ("interrupted", "failed"):
        return (Step("Go on where it stopped", resume(data)),)
    return ()


def resume(data: RunData, options: str = "") -> str:
    """The command that goes on with a run."""
    return resume_command(Path(data.path), data.kind, options)


def command(data: RunData, words: str) -> str:
    """A command about this run, for the folder it lies in."""
    return f"effsearch {words}{run_dir_option(Path(data.path))}"


def percent(value: float | None) -> str:
    """A fraction to a hundredth of a percent."""
    return "-" if value is None else f"{100 * value:.2f}%"


def data_name(data: RunData) -> str:
    """What a run measured on, without the folders before it; empty where it says nothing."""
    recorded = data.record.get("data")
    if isinstance(recorded, dict) and isinstance(recorded.get("name"), str):
        return Path(recorded["name"]).name
    if recorded is None:  # not proxy training: the evaluator knows what it measures
        return ""
    return str(data.record["config"].get("data") or "")


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
