"""Tables for people, on stdout: folded to a terminal's width, whole and plain in a pipe."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from results.wording import one_line

if TYPE_CHECKING:
    from rich.console import Console

# Wide enough that nothing is cut or wrapped on its way into a file or another program.
_PIPE_WIDTH = 100_000


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns; a header of empty names is left out. Cells are one line each."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=any(header), pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold", header_style="bold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console = _console()
    with console.capture() as captured:
        console.print(table)
    # Columns are padded to their widths; nobody wants the padding at the end of a line.
    lines = captured.get().splitlines()
    sys.stdout.writelines(line.rstrip() + "\n" for line in lines)


def _console() -> "Console":
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)
