"""Family runs: the members of a scaled baseline, and what is known of their accuracy."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from effsearch.results.kinds.kind import Kind, Opening, Step
from effsearch.results.kinds.opening import command, go_on, percent
from effsearch.results.kinds.trials import TRIALS
from effsearch.results.plots import comparators, family
from effsearch.results.plots.family import trained_members
from effsearch.results.store.answer import Answer
from effsearch.results.store.kind_table import Row, Table
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.units import format_count

TABLE = Table(
    file="family.csv",
    title="The members",
    numbers=(
        "phi", "depth", "width", "resolution", "params", "macs", "memory_bytes", "nominal_ratio",
        "measured_ratio",
    ),
    known=("depth", "width", "resolution", "params", "macs", "memory_bytes"),
    shown=(
        "member", "phi", "resolution", "params", "macs", "memory_bytes", "nominal_ratio",
        "measured_ratio", "network",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FamilyAnswer(Answer):
    """The content of `family.json`.

    Attributes:
        family: `formula`, `published`, or one that was scaled by a rule of its own; `published`
            has no baseline, coefficients, rounding and targets.
        rule: by which the baseline was scaled, where it is not EfficientNet's by φ.
        baseline: what was scaled, and its source.
        coefficients: by which, and their source.
        targets: the φ found for wanted costs.
        members: rows of `family.csv`.
    """

    schema_version: int = 1
    kind: str
    run: str
    family: str
    baseline: dict[str, Any] | None = None
    rule: dict[str, Any] | None = None
    coefficients: dict[str, Any] | None = None
    resolution_rounding: str | None = None
    targets: list[dict[str, Any]] | None = None
    flops_convention: str
    versions: dict[str, Any]
    members: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """As it is written: without what a published family does not have."""
        return {name: value for name, value in super().to_dict().items() if value is not None}


def _opening(data: RunData) -> Opening:
    """The members from smallest to largest, and what is known of their accuracy."""
    rows = sorted(data.rows, key=lambda row: row["macs"])
    if data.answer is None or not rows:
        return Opening(("The family has no members yet.",), go_on(data))
    answer = FamilyAnswer.from_dict(data.answer)
    first, last = rows[0], rows[-1]
    members = "one network" if len(rows) == 1 else f"{len(rows)} networks"
    said = [f"Found: {members}, from {_member(first)} to {_member(last)}."]
    coefficients, baseline = answer.coefficients, answer.baseline
    if coefficients and baseline:
        triple = ", ".join(f"{name} {coefficients[name]:g}" for name in ("alpha", "beta", "gamma"))
        said.append(
            f"Baseline: {baseline['source']}. Coefficients: {coefficients['source']}, {triple}; "
            f"{last['member']} should cost {last['nominal_ratio']:.2f} times the baseline "
            f"and costs {last['measured_ratio']:.2f} times: layers and channels are rounded."
        )
    trained = trained_members(data)
    known = ", ".join(f"{one.member} {percent(one.accuracy)} on {one.data}" for one in trained)
    said.append(
        "How sure: costs are counted exactly. "
        + (f"Accuracy as trained here: {known}." if known else "No member has been trained yet.")
    )
    done = {one.member for one in trained}
    waiting = [row for row in rows if row["member"] not in done]
    steps = [_train(data, waiting[0])] if waiting else []
    return Opening(tuple(said), tuple(steps))


def _member(row: Row) -> str:
    return (
        f"{row['member']} ({format_count(row['macs'])} multiply-adds, "
        f"{format_count(row['params'])} parameters, {row['resolution']:g} pixels)"
    )


def _train(data: RunData, row: Row) -> Step:
    # Members of the published family have no φ; they are trained by their number, those of a rule
    # by their file.
    if row["phi"] is None and not row["member"].startswith("efficientnet-b"):
        file = shlex.quote(str(Path(data.path) / f"{row['member']}.json"))
        return Step(f"Train {row['member']}", command(data, f"train --model {file}"))
    phi = row["phi"] if row["phi"] is not None else row["member"].removeprefix("efficientnet-b")
    shown = phi if isinstance(phi, str) else f"{phi:g}"
    words = f"train --model {data.reference} --phi {shown}"
    return Step(f"Train {row['member']}", command(data, words))


def _heading(data: RunData) -> str:
    macs = sorted(row["macs"] for row in data.rows)
    if not macs:
        return ""
    return f"{format_count(macs[0])} to {format_count(macs[-1])} multiply-adds"


KIND = Kind(
    name="family",
    noun="family",
    has_trials=False,
    table=TABLE,
    plots=(family.FAMILY, comparators.COMPARATORS),
    opening=_opening,
    heading=_heading,
    following=replace(TRIALS, essentials=lambda document: []),
)
