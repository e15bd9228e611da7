"""`effsearch scale`: a family of networks, written to a run directory of its own.

`family.csv` has one row a member: `member`, `phi`, multipliers `depth` and `width` before
rounding, `resolution` in pixels, `params`, `macs` (multiply-adds of convolutions and linear layers
at that resolution, batch 1), `memory_bytes`, `nominal_ratio` (d·w²·r², what nothing rounded would
cost), `measured_ratio` (counted MACs over the baseline's), `network` (id), `architecture`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from effsearch.gridsearch.family_targets import FoundPhi, MeterOptions, reach_count, reach_latency
from effsearch.gridsearch.scale_config import PLAIN_FAMILIES, ScaleOptions
from effsearch.results.kinds.family import FamilyAnswer
from effsearch.results.store.answers import (
    FoundCoefficients,
    find_baseline,
    find_coefficients,
)
from effsearch.results.store.files import write_atomically, write_json
from effsearch.results.store.run import Run
from effsearch.results.store.table import rows_csv
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.coefficients import doubts
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.family import (
    Member,
    formula_family,
    published_members,
    ruled_member,
    ruled_members,
)
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.rule import EFFICIENTNET, parse_rule, ruled_families
from effsearch.search_spaces.scaling import Coefficients
from effsearch.search_spaces.scaling_search import Metric

KIND = "family"
DEFAULT_PHIS = tuple(float(phi) for phi in range(8))


@dataclass(frozen=True, kw_only=True)
class FamilyResult:
    """A family.

    Attributes:
        run: name such as `family/001`.
        path: its directory.
        baseline: the network that was scaled; EfficientNet-B0 for the published family.
        coefficients: None for the published family.
        members: the networks.
        notes: what a user should know, a line each.
        answer: the content of `family.json`.

    Example:
        >>> import effsearch
        >>> family = effsearch.scale_family("efficientnet-b0", "1.2,1.1,1.15", "0..2")
        >>> [member.resolution for member in family.members]
        [224, 258, 296]
    """

    run: str
    path: Path
    baseline: Architecture
    coefficients: Coefficients | None
    members: tuple[Member, ...]
    notes: tuple[str, ...]
    answer: dict[str, Any]


_SHAPING = (
    *("baseline", "coefficients", "rule", "depth", "width", "resolution"),
    *("target_flops", "target_memory", "target_latency", "resolution_rounding"),
)
"""Options of which a published family leaves none open."""


@dataclass(frozen=True)
class _Family:
    members: list[Member]
    baseline: Architecture
    coefficients: Coefficients | None
    document: dict[str, Any]
    notes: list[str]


def scale_family(
    options: ScaleOptions,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    command: Sequence[str] = ("effsearch", "scale"),
    say: Callable[[str], None] = lambda line: None,
) -> FamilyResult:
    """Scale a baseline, or take the published family, and write it to a new run.

    `say` is told of each network that is measured for a latency.

    Raises:
        InputError: unknown names, coefficients that cannot be, a φ out of range.
        InfeasibleError: no φ comes near a target.
        EffsearchError: a network cannot be measured; see its children.
    """
    made = _make(options, run_dir, say)
    meter = MeterOptions.named(options)
    settings = {
        "baseline": options.baseline,
        "coefficients": options.coefficients,
        "phi": list(options.phis),
        "family": options.family,
        "depth": options.depth,
        "width": options.width,
        "resolution": options.resolution,
        "rule": options.rule,
        "resolution_rounding": options.resolution_rounding,
        "target_flops": options.target_flops,
        "target_memory": options.target_memory,
        "target_latency": options.target_latency,
        "meter": None if meter is None else asdict(meter),
    }
    with Run.create(run_dir, KIND, name, command=command, config=settings) as run:
        try:
            answer = _write(run, made)
        except BaseException:
            run.discard()  # half a family is none, and to make it again takes a moment
            raise
        return FamilyResult(
            run=run.reference,
            path=run.path,
            baseline=made.baseline,
            coefficients=made.coefficients,
            members=tuple(made.members),
            notes=tuple(made.notes),
            answer=answer,
        )


def _write(run: Run, made: _Family) -> dict[str, Any]:
    """All files of the family; the content of `family.json`."""
    answer = FamilyAnswer(
        kind=KIND,
        run=run.reference,
        **made.document,
        flops_convention=run.record["flops_convention"],
        versions=run.record["versions"],
        members=[member_row(member) for member in made.members],
    ).to_dict()
    for member in made.members:
        write_json(run.path / f"{member.name}.json", _member_document(member))
    write_atomically(run.path / "family.csv", rows_csv(answer["members"]))
    write_json(run.paths.answer, answer)
    run.finish("finished")
    return answer


def member_row(member: Member) -> dict[str, Any]:
    """One row of `family.csv`, counts as whole integers."""
    return {
        "member": member.name,
        "phi": member.phi,
        "depth": round(member.depth, 6),
        "width": round(member.width, 6),
        "resolution": member.resolution,
        "params": member.cost.params,
        "macs": member.cost.macs,
        "memory_bytes": member.cost.memory_bytes,
        "nominal_ratio": round(member.nominal_ratio, 6),
        "measured_ratio": round(member.measured_ratio, 6),
        "network": member.architecture.id,
        "architecture": format_architecture(member.architecture),
    }


def _member_document(member: Member) -> dict[str, Any]:
    return member_row(member) | {
        "id": member.architecture.id,
        "notation": format_architecture(member.architecture),
        "architecture": member.architecture.to_dict(),
    }


def _make(options: ScaleOptions, run_dir: Path, say: Callable[[str], None]) -> _Family:
    if options.family == "published":
        return _published(options)
    if options.family not in PLAIN_FAMILIES or options.rule is not None or options.multiplied:
        return _ruled(options, run_dir)
    how = find_coefficients(run_dir, options.coefficients)
    if how.rule is None:
        return _formula(options, how, run_dir, say)
    if any(target is not None for target in options.targets):
        raise InputError(
            f"{how.source} was made under the rule {how.rule}, and a target is reached by phi with "
            "EfficientNet's: give --phi, or other --coefficients"
        )
    made = _ruled(replace(options, rule=how.rule), run_dir)
    notes = [how.rule_note if note.startswith("rule: ") else note for note in made.notes]
    return replace(made, notes=notes)


def _published(options: ScaleOptions) -> _Family:
    for name in _SHAPING:
        if getattr(options, name) != getattr(ScaleOptions, name):
            raise InputError(
                f"--{name.replace('_', '-')} does not go with --family published: that is the "
                "fixed table of EfficientNet-B0 to B7; use --family formula"
            )
    members = published_members(options.phis or DEFAULT_PHIS)
    baseline = published_members([0])[0].architecture
    note = "published: the hand-rounded table of EfficientNet-B0 to B7, which no phi reproduces"
    return _Family(members, baseline, None, {"family": "published"}, [note])


def _ruled(options: ScaleOptions, run_dir: Path) -> _Family:
    """A family by a rule: its published members, one network by multipliers, or φ."""
    named = ruled_families().get(options.family)
    rule = named.rule if named else EFFICIENTNET
    if options.rule is not None:
        rule = parse_rule(options.rule)
    found = find_baseline(run_dir, options.baseline or (named.base if named else None))
    baseline, coefficients, source = found.architecture, None, ""
    notes = [f"baseline: {found.source}", *filter(None, [found.note])]
    notes += [f"rule: {str(rule) or 'as EfficientNet'}"]
    if options.multiplied:
        depth, width = options.depth or 1.0, options.width or 1.0
        members = [ruled_member(baseline, rule, depth, width, options.resolution)]
    elif named and not options.phis:
        if options.baseline is not None or options.rule is not None:
            raise InputError(
                f"the published members of {named.name} follow from {named.base} by its own rule: "
                "with --baseline or --rule give --depth, --width, --resolution or --phi"
            )
        members = ruled_members(named.name)
    else:
        how = find_coefficients(run_dir, options.coefficients)
        coefficients, source = how.coefficients, how.source
        phis = options.phis or DEFAULT_PHIS
        members = formula_family(baseline, coefficients, phis, options.resolution_rounding, rule)
        notes += [f"coefficients: {source}", *filter(None, [how.note])]
    document: dict[str, Any] = {
        "family": options.family,
        "baseline": found.to_dict(),
        "rule": asdict(rule),
        "coefficients": coefficients and {"source": source, **asdict(coefficients)},
        "resolution_rounding": options.resolution_rounding,
        "targets": [],
    }
    return _Family(members, baseline, coefficients, document, notes)


def _formula(
    options: ScaleOptions, how: FoundCoefficients, run_dir: Path, say: Callable[[str], None]
) -> _Family:
    found = find_baseline(run_dir, options.baseline)
    baseline, coefficients = found.architecture, how.coefficients
    reached = _reach_targets(options, baseline, coefficients, say)
    phis = (*options.phis, *(one.phi for one in reached))
    if not phis:
        phis = DEFAULT_PHIS
    elif reached and not options.phis:
        phis = (0.0, *phis)
    members = formula_family(baseline, coefficients, phis, options.resolution_rounding)
    notes = [
        f"baseline: {found.source}",
        *filter(None, [found.note]),
        f"coefficients: {how.source}: alpha {coefficients.alpha:g}, beta {coefficients.beta:g}, "
        f"gamma {coefficients.gamma:g}",
        *filter(None, [how.note]),
    ]
    odd = doubts(coefficients)
    notes += [f"warning: {how.source}: {odd}"] if odd else []
    notes += [one.line for one in reached]
    document = {
        "family": "formula",
        "baseline": found.to_dict(),
        "coefficients": {
            "source": how.source,
            "alpha": coefficients.alpha,
            "beta": coefficients.beta,
            "gamma": coefficients.gamma,
            "product": coefficients.product,
        },
        "resolution_rounding": options.resolution_rounding,
        "targets": [one.to_dict() for one in reached],
    }
    return _Family(members, baseline, coefficients, document, notes)


def _reach_targets(
    options: ScaleOptions,
    baseline: Architecture,
    coefficients: Coefficients,
    say: Callable[[str], None],
) -> list[FoundPhi]:
    wanted: list[tuple[Metric, float | None]] = [
        ("macs", options.target_flops),
        ("memory_bytes", options.target_memory),
    ]
    found = [
        reach_count(metric, target, baseline, coefficients, options.resolution_rounding)
        for metric, target in wanted
        if target is not None
    ]
    if options.target_latency is None:
        if MeterOptions.named(options) is not None:
            raise InputError("a latency is measured only for --target-latency: give one")
        return found
    meter = (MeterOptions.named(options) or MeterOptions()).make()
    target = options.target_latency
    return [
        *found,
        reach_latency(meter, target, baseline, coefficients, options.resolution_rounding, say),
    ]
