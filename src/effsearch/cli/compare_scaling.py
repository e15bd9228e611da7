"""`effsearch compare-scaling`: one dimension against three, at equal cost."""

import sys
from typing import TYPE_CHECKING, Any

from effsearch.cli.options import print_document
from effsearch.cli.run_command import Asked, run_command
from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.results.terminal import print_records
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from effsearch.gridsearch.compare_scaling.command import ComparisonResult


@run_command(ComparisonConfig, "comparison", forecasts=False)
def compare_scaling(asked: Asked) -> None:
    """Compare depth, width or resolution alone with all three together, at equal multiply-adds.

    All networks are trained the same way. Writes RUN_DIR/comparison/NNN with comparison.csv,
    comparison.json and a picture. Ctrl-C stops it, --resume continues it.
    """
    from effsearch.gridsearch.compare_scaling.command import compare_scaling, resume_comparison

    result = asked.result(compare_scaling, resume_comparison)
    if result is None:  # it was done before
        return
    _show(result, asked.as_json)
    if not asked.quiet:
        print(f"comparison: {result.path / 'comparison.csv'}", file=sys.stderr)


def _show(result: "ComparisonResult", as_json: bool) -> None:

    if as_json:
        print_document(result.answer)
        return
    print_records(
        {
            "baseline": row["baseline"],
            "budget": format_count(row["budget"]),
            "method": row["method"],
            "x": f"{row['multiplier']:g}",
            "layers": str(row["layers"]),
            "resolution": str(row["resolution"]),
            "params": format_count(row["params"]),
            "MACs": format_count(row["macs"]),
            "off": f"{row['budget_error']:+.1%}",
            "accuracy": "-" if row["accuracy"] is None else f"{row['accuracy']:.4f}",
            "interval": "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
            "": _remark(row),
        }
        for row in result.rows
    )
    _show_conclusions(result.answer)


def _show_conclusions(answer: "dict[str, Any]") -> None:
    """All three dimensions beside each one alone, and the conditions of it all."""
    from effsearch.results.references import headline

    for row in answer["references"] or ():
        print(f"compound of {row['baseline']} at {format_count(row['budget'])}: {headline(row)}")
    if answer["conditions"]:
        print(f"accuracies {answer['conditions']['sentence']}")


def _remark(row: dict[str, Any]) -> str:
    if row["state"] != "done":
        return str(row["state"])
    return "tied with the best" if row["tied"] else ""
