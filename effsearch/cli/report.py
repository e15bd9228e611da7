"""`effsearch report`: one HTML page of one run or several."""

from effsearch.cli.results_options import RUNS, RunDir, RunNames


def report(references: RunNames, run_dir: RunDir = RUNS) -> None:
    """Write one self-contained HTML page."""
