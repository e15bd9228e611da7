"""Earlier answers as input: a baseline or coefficients by name, by file, by run, or the newest.

What was taken where nothing was named is said in `source`, for the command to tell.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.results.store.files import read_json_object
from effsearch.results.store.newest import newest_answer
from effsearch.results.store.run import Run
from effsearch.results.store.run_index import holds_run, readable_records
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.coefficients import parse_coefficients, read_coefficients
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling import PUBLISHED_COEFFICIENTS, Coefficients
from effsearch.search_spaces.zoo import load_zoo, resolve_architecture, zoo_name

FALLBACK = "efficientnet-b0"
_BY_HAND = 'write it as {"alpha": 1.2, "beta": 1.1, "gamma": 1.15}'


@dataclass(frozen=True)
class FoundBaseline:
    """A baseline network and where it came from, such as `run baseline/001`.

    `note` says of a run that was not named what it is and what else there is; else it is empty.
    """

    architecture: Architecture
    source: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {
            "source": self.source,
            "id": self.architecture.id,
            "notation": format_architecture(self.architecture),
            "macs": cost(self.architecture).macs,
        }


@dataclass(frozen=True)
class FoundCoefficients:
    """Coefficients and where they came from; `note` as of a baseline.

    `rule` is the scaling rule under which a run found them, as `parse_rule` reads it; None for
    EfficientNet's.
    """

    coefficients: Coefficients
    source: str
    note: str = ""
    rule: str | None = None

    @property
    def rule_note(self) -> str:
        """What is said where their rule is taken because no other was named."""
        return (
            f"rule: {self.rule}, as {self.source} was made under it "
            "(--rule efficientnet for EfficientNet's)"
        )


def find_baseline(root: Path, text: str | None) -> FoundBaseline:
    """The network a user means by a name of the zoo, a file, notation, a baseline or a train run.

    Args:
        root: folder of the runs.
        text: None for the newest finished baseline run (a full one before one of few networks),
            or EfficientNet-B0 where there is none.

    Raises:
        InputError: nothing of that name, or it holds no architecture.
    """
    note = ""
    if text is None or text == "baseline":
        newest = newest_answer(root, "baseline")
        if newest is not None:
            text, note = str(newest.run.path), newest.note
        elif text is None and not _has_finished(root, "baseline"):
            return FoundBaseline(load_zoo(FALLBACK), f"{FALLBACK} (no finished baseline run)")
    text = text or "baseline"
    if not _is_run(root, text, "baseline"):
        return FoundBaseline(resolve_architecture(text), zoo_name(text) or text)
    if (found := Run.open(root, text)).kind == "train":
        return FoundBaseline(found.architecture, f"run {found.reference}")
    run = _answered(root, text, "baseline")
    architecture = resolve_architecture(str(run.paths.answer))
    return FoundBaseline(architecture, f"run {run.reference}", note)


def find_coefficients(root: Path, text: str | None) -> FoundCoefficients:
    """The coefficients a user means by three numbers, a file, or a coefficients run.

    Args:
        root: folder of the runs.
        text: None for the newest finished coefficients run, or the paper's where there is none.

    Raises:
        InputError: nothing of that name, or a number is missing or impossible.
    """
    note = ""
    if text is None or text == "coefficients":
        newest = newest_answer(root, "coefficients")
        if newest is not None:
            text, note = str(newest.run.path), newest.note
        elif text is None and not _has_finished(root, "coefficients"):
            return FoundCoefficients(
                PUBLISHED_COEFFICIENTS, "the paper's (no finished coefficients run)"
            )
    text = text or "coefficients"
    path = Path(text)
    if path.name == "coefficients.json" and holds_run(path.parent):
        text = str(path.parent)  # the run says more than its answer
    if _is_run(root, text, "coefficients"):
        run = _answered(root, text, "coefficients")
        found = read_coefficients(read_json_object(run.paths.answer), str(run.paths.answer))
        rule = run.record["config"].get("rule")
        return FoundCoefficients(found, f"run {run.reference}", note, rule)
    if text.endswith(".json") or os.path.isfile(text):
        return FoundCoefficients(read_coefficients(read_json_object(path, _BY_HAND), text), text)
    return FoundCoefficients(parse_coefficients(text), text)


def _has_finished(root: Path, kind: str) -> bool:
    return any(record["status"] == "finished" for _, record in readable_records(root, kind))


def _is_run(root: Path, text: str, kind: str) -> bool:
    if text == kind or text.startswith(f"{kind}/"):
        return True
    return any(map(holds_run, (Path(text), root / text)))


def _answered(root: Path, text: str, kind: str) -> Run:
    run = Run.open(root, text)
    if run.kind != kind:
        raise InputError(f"run {run.reference} is not a {kind} run: name one that is")
    if not run.paths.answer.exists():
        raise InputError(
            f"run {run.reference} ({run.status}) has no {run.paths.answer.name} yet: "
            "finish it with --resume, or give another"
        )
    return run
