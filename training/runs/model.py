"""Which network is trained: a member of a family, a baseline, or whatever a user names.

Members are read from the files that `effsearch scale` wrote; where there are none, a baseline is
scaled here by the newest coefficients. What was taken is said in `source`.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effsearch.results.store.answers import find_baseline, find_coefficients
from effsearch.results.store.files import read_json_object
from effsearch.results.store.run import Run
from effsearch.results.store.run_index import holds_run, readable_records
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.rule import EFFICIENTNET, parse_rule
from effsearch.search_spaces.scaling import compound
from effsearch.search_spaces.zoo import resolve_architecture, zoo_name

FAMILY = "family"
TRAIN = "train"


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A network to train.

    Attributes:
        architecture: as it was found, at its own resolution and classes.
        source: where it came from, such as `runs/family/001/phi3.json (member phi3)`.
        phi: compound coefficient or number of the published member; 0 for what was not scaled.
    """

    architecture: Architecture
    source: str
    phi: float = 0.0


def find_model(root: Path, model: str | None, phi: float | None) -> FoundModel:
    """The network that `--model` and `--phi` name.

    Args:
        root: folder of the runs.
        model: name of the zoo, file, notation, or a baseline, family or train run; None for the
            newest family where there is a φ, and the newest baseline where there is none.
        phi: member of the family; of a baseline, how far it is scaled.

    Raises:
        InputError: nothing of that name, it holds no network, or no member of that φ.
    """
    model = model and (zoo_name(model) or model)
    run = _find_run(root, model)
    if run is not None and run.kind == FAMILY:
        return _member(run, phi)
    if phi is None:
        return _single(root, model, run)
    if model is None and (newest := _newest_family(root)) is not None:
        return _member(newest, phi)
    return _scaled(root, model, phi)


def _find_run(root: Path, model: str | None) -> Run | None:
    """The run that is named, of whatever kind; None where the name means something else."""
    if model is None or zoo_name(model):
        return None
    path = Path(model)
    is_run = any(map(holds_run, (path, root / model)))
    named = model.partition("/")[0] in (FAMILY, TRAIN) and path.suffix == ""
    return Run.open(root, model) if is_run or named else None


def _newest_family(root: Path) -> Run | None:
    finished = [
        path for path, record in readable_records(root, FAMILY) if record["status"] == "finished"
    ]
    return Run.load(finished[-1]) if finished else None


def _single(root: Path, model: str | None, run: Run | None) -> FoundModel:
    if run is not None and run.kind == TRAIN:
        if not isinstance(run.record.get("architecture"), dict):
            raise InputError(f"run {run.reference} holds no architecture: give another")
        architecture = Architecture.from_dict(run.record["architecture"])
        return FoundModel(architecture=architecture, source=f"run {run.reference}")
    if model is not None and model.endswith(".safetensors"):
        raise InputError(f"--model '{model}' is a checkpoint: give it by --from")
    found = find_baseline(root, model)
    return FoundModel(
        architecture=found.architecture, source=found.source, phi=_published_number(model)
    )


def _published_number(model: str | None) -> float:
    """3 for `efficientnet-b3`, whose dropout is that of the third member; 0 for others."""
    head, _, number = (model or "").strip().partition("efficientnet-b")
    return float(number) if not head and number.isdecimal() else 0.0


def _member(run: Run, phi: float | None) -> FoundModel:
    answer = read_json_object(run.paths.answer)
    rows = answer.get("members")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{run.paths.answer} lists no members: run `effsearch scale` again")
    numbers = {str(row.get("member")): _number(row) for row in rows}
    shown = ", ".join(f"{number:g}" for number in numbers.values())
    if phi is None:
        raise InputError(f"run {run.reference} is a family: name --phi, one of {shown}")
    for name, number in numbers.items():
        # Names carry φ as it is shown, so what a table shows is what can be typed.
        if number == phi or f"{number:g}" == f"{phi:g}":
            path = run.path / f"{name}.json"
            return FoundModel(
                architecture=resolve_architecture(str(path)), source=str(path), phi=number
            )
    raise InputError(
        f"run {run.reference} has no phi {phi:g}, only {shown}: make it by "
        f"`effsearch scale --phi {phi:g}`"
    )


def _number(row: dict[str, Any]) -> float:
    """φ of a member, or the number of a published one, which has no φ."""
    phi = row.get("phi")
    if isinstance(phi, int | float) and math.isfinite(phi):
        return float(phi)
    return _published_number(str(row.get("member")))


def _scaled(root: Path, model: str | None, phi: float) -> FoundModel:
    baseline = find_baseline(root, model)
    found = find_coefficients(root, None)
    c = found.coefficients
    try:
        rule = parse_rule(found.rule) if found.rule else EFFICIENTNET
        architecture = compound(baseline.architecture, c, phi, rule=rule)
    except InputError as error:
        raise InputError(f"phi = {phi:g}: {error}") from None
    how = (
        f"{baseline.source} scaled by phi = {phi:g} with the coefficients of {found.source}: "
        f"alpha {c.alpha:g}, beta {c.beta:g}, gamma {c.gamma:g}"
        + (f", under its rule {found.rule}" if found.rule else "")
    )
    return FoundModel(architecture=architecture, source=how, phi=phi)
