"""What a report opens with: sentences, and the commands to run next."""

from pathlib import Path

from effsearch.results.conditions import Conditions
from effsearch.results.formatting import NOTHING_YET
from effsearch.results.kinds.kind import Opening, Step
from effsearch.results.kinds.registry import kind_of, resume_command
from effsearch.results.store.directory import run_dir_option
from effsearch.results.store.run_data import RunData


def go_on(data: RunData) -> tuple[Step, ...]:
    """Follow a run that is running, or go on with one that stopped before its end."""
    if data.status == "running":
        return (Step("Follow it", command(data, f"results watch {data.reference}")),)
    if kind_of(data.kind).resumed_by and data.status in ("interrupted", "failed"):
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


def trainings(seeds: int) -> str:
    """How often a network was trained, in words."""
    return "one training" if seeds == 1 else f"{seeds} trainings with different seeds"


def unfinished(data: RunData, what: str) -> Opening:
    """The opening while a grid or a comparison is still being trained."""
    done = len(data.done)
    said = f"The {what} has {NOTHING_YET}."
    if done:
        trained = "One training is" if done == 1 else f"{done} trainings are"
        said = f"{trained} done; the {what} is decided when all are."
    return Opening((said,), go_on(data))


def measured_how(data: RunData) -> list[str]:
    """The conditions of a run's accuracies, as a sentence; none where they are not known."""
    conditions = (data.answer or {}).get("conditions") or Conditions.of(data.record)
    if isinstance(conditions, Conditions):
        return [f"Accuracies are measured {conditions.sentence}."]
    return [f"Accuracies are measured {conditions['sentence']}."] if conditions else []
