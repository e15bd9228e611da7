"""`effsearch coefficients`: the grid search for α, β and γ."""

import sys
from typing import TYPE_CHECKING, Any

from effsearch.cli.options import print_document, show_forecast
from effsearch.cli.run_command import Asked, run_command
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.results.kinds.registry import resume_command
from effsearch.results.terminal import print_records
from effsearch.search_spaces.units import format_count

if TYPE_CHECKING:
    from effsearch.gridsearch.answer import CoefficientsResult

MANY_TIES = 5
"""From more ties than these on a longer look is advised."""


@run_command(CoefficientsConfig, "coefficients")
def coefficients(asked: Asked) -> None:
    """Search how depth, width and resolution grow together: alpha, beta, gamma.

    Every triple with alpha*beta^2*gamma^2 near 2 scales the baseline by phi; triples that round to
    the same network are trained once. Writes RUN_DIR/coefficients/NNN with coefficients.json,
    trials.csv, a heat map and the Optuna study. Ctrl-C stops it, --resume continues it.
    """
    from effsearch.gridsearch.coefficients import resume_coefficients, search_coefficients

    def dry_run(config: CoefficientsConfig) -> None:
        from effsearch.gridsearch.setup import forecast, make_plan

        show_forecast(forecast(make_plan(config, asked.run_dir)), asked.as_json)

    result = asked.result(search_coefficients, resume_coefficients, dry_run)
    if result is not None:
        _show(result, asked.as_json, asked.quiet)


def _show(result: "CoefficientsResult", as_json: bool, quiet: bool) -> None:
    from effsearch.results.kinds.grid_answer import (
        CoefficientsAnswer,
        what_is_expected,
        what_mattered,
        why_chosen,
    )
    from effsearch.results.references import headline

    if as_json:
        print_document(result.answer)
        return
    answer = CoefficientsAnswer.from_dict(result.answer)
    print_records(map(_line, _best_rows(result)))
    for row in answer.references or ():
        print(f"compared with one dimension: {headline(row)}")
    if answer.conditions:
        print(f"accuracy {result.accuracy:.4f} {answer.conditions['sentence']}")
    if quiet:
        return
    for said in (why_chosen(answer), what_mattered(answer)):
        if said:
            print(said, file=sys.stderr)
    print(f"accuracy: {what_is_expected(answer)}; {answer.interval_method}", file=sys.stderr)
    ties = len(answer.ties)
    if ties > 1:
        print(f"{ties} networks cannot be told from the best by a t test", file=sys.stderr)
    if not answer.top and ties > MANY_TIES:
        print(
            "to tell them apart, train the five most promising again, longer and over "
            f"three seeds: {resume_command(result.path, 'coefficients')} --top 5",
            file=sys.stderr,
        )
    print(f"coefficients: {result.path / 'coefficients.json'}", file=sys.stderr)


def _best_rows(result: "CoefficientsResult") -> list[dict[str, Any]]:
    """The chosen triple, then the best others, one for each network."""
    measured = [row for row in result.triples if row["accuracy"] is not None]
    measured.sort(key=lambda row: (not row["chosen"], -_standing(row), row["macs"]))
    by_network: dict[str, dict[str, Any]] = {}
    for row in measured:
        by_network.setdefault(row["network"], row)
    return list(by_network.values())[:8]


def _standing(row: dict[str, Any]) -> float:
    """What the choice went by: the longer training, else what is expected."""
    longer, expected = row["top_accuracy"], row["expected"]
    return float(longer if longer is not None else expected if expected is not None else -1.0)


def _accuracy(row: dict[str, Any]) -> float:
    return float(row["accuracy"] if row["top_accuracy"] is None else row["top_accuracy"])


def _line(row: dict[str, Any]) -> dict[str, str]:

    prefix = "expected_" if row["top_accuracy"] is None else "top_"
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    said = "chosen" if row["chosen"] else "tied with the best" if row["tied"] else ""
    return {
        "alpha": f"{row['alpha']:g}",
        "beta": f"{row['beta']:g}",
        "gamma": f"{row['gamma']:g}",
        "product": f"{row['product']:.3f}",
        "MACs": format_count(row["macs"]),
        "measured": f"{row['measured_ratio']:.2f}x",
        "accuracy": f"{_accuracy(row):.4f}",
        "expected": "-" if row["expected"] is None else f"{row['expected']:.4f}",
        "interval": "-" if low is None else f"{low:.4f} to {high:.4f}",
        "": said,
    }
