"""NAS-Bench-Macro as a table that `--evaluator TABLE.csv` reads: one row a training.

    python -m benchmarks.nas_bench_macro nas-bench-macro_cifar10.json nas-bench-macro.csv

The file is {key: {"test_acc": [percent, …], …}}; character i of a key is what block i of the space
in `tests/search_spaces/nas_bench_macro.yaml` is. Any other table of measured networks is brought
into the same form: a CSV with the columns `architecture` (one-line notation) and `accuracy` (a
fraction), and several rows where a network was measured several times.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.space_file import load_space

SPACE = Path(__file__).parents[1] / "tests" / "search_spaces" / "nas_bench_macro.yaml"
DATA = Path(__file__).parents[2] / "shared" / "data" / "nas-bench-macro"
JSON_FILE = DATA / "nas-bench-macro_cifar10.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert the file; say how many rows came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="nas-bench-macro_cifar10.json")
    parser.add_argument("table", type=Path, help="CSV to write")
    given = parser.parse_args(arguments)
    print(f"{convert(given.source, given.table):,} rows: {given.table}")


def convert(source: Path, table: Path) -> int:
    """Write the CSV; the number of its rows.

    Raises:
        InputError: the source cannot be read, or a key is no network of the space.
    """
    space = load_space(str(SPACE))
    try:
        networks = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"'{source}' cannot be read as NAS-Bench-Macro: {error}") from None
    rows = 0
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "accuracy"])
        for key, entry in networks.items():
            choices = np.array([int(character) for character in key], dtype=np.int64)
            if len(choices) != len(space) or (choices >= space.options).any():
                raise InputError(f"'{source}': key '{key}' is no network of NAS-Bench-Macro")
            network = format_architecture(space.decode(choices))
            for percent in entry["test_acc"]:
                writer.writerow([network, round(percent / 100, 6)])
                rows += 1
    return rows


if __name__ == "__main__":
    main()
