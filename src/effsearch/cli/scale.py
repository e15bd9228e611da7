"""`effsearch scale`: the family that grows from a baseline."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from effsearch.cli.from_config import options_of
from effsearch.cli.options import RUNS, Json, Name, Quiet, RunDir, print_document
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.results.terminal import print_records
from effsearch.search_spaces.units import format_bytes, format_count

if TYPE_CHECKING:
    from effsearch.gridsearch.family import FamilyResult


@options_of(ScaleOptions)
def scale(
    given: Mapping[str, Any],
    name: Name = None,
    run_dir: RunDir = RUNS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Scale a baseline to a family and count it.

    Prints depth, width, resolution, parameters, multiply-adds, memory, and the ratio of
    multiply-adds to the baseline: nominal (if nothing were rounded) and measured. Writes
    RUN_DIR/family/NNN with family.csv and one architecture a member.
    """
    from effsearch.gridsearch.family import scale_family

    result = scale_family(
        ScaleOptions.make(given),
        run_dir=run_dir,
        name=name,
        command=["effsearch", *sys.argv[1:]],
        say=(lambda line: None) if quiet else (lambda line: print(line, file=sys.stderr)),
    )
    if not quiet:
        for line in result.notes:
            print(line, file=sys.stderr)
    _show(result, as_json)
    if not quiet:
        print(f"family: {result.path / 'family.csv'}", file=sys.stderr)


def _show(result: "FamilyResult", as_json: bool) -> None:

    if as_json:
        print_document(result.answer)
        return
    print_records(
        {
            "member": member.name,
            "depth": f"{member.depth:.3f}",
            "width": f"{member.width:.3f}",
            "resolution": str(member.resolution),
            "params": f"{member.cost.params:,}",
            "MACs": format_count(member.cost.macs),
            "memory": format_bytes(member.cost.memory_bytes),
            "nominal": f"{member.nominal_ratio:.2f}x",
            "measured": f"{member.measured_ratio:.2f}x",
        }
        for member in result.members
    )
