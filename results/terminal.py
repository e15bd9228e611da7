"""Tables for people, on stdout: folded to a terminal's width, whole and plain in a pipe.

Only columns of long text are folded, such as networks; a number is never torn in two.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from effsearch.results.formatting import one_line
from effsearch.results.plain_text import plain_streams, terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

# Wide enough that nothing is cut or wrapped on its way into a file or another program.
_PIPE_WIDTH = 100_000
_SHORT = 24  # characters of a cell that stays in one piece
_NARROWEST = 12  # characters a line of a folded cell has at least
_GAP = 2  # between columns
_RESET = "\x1b[0m"  # ends what is bold


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns; a header of empty names is left out. Cells are one line each."""
    from rich.table import Table
    from rich.text import Text

    lines = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    table = Table(box=None, show_header=any(header), pad_edge=False)
    for name, width in zip(header, widths, strict=True):
        table.add_column(name, overflow="fold", header_style="bold", no_wrap=width <= _SHORT)
    for line in lines:
        table.add_row(*map(Text, line))
    console = _console(sum(_least(width) + _GAP for width in widths) - _GAP)
    with console.capture() as captured:
        console.print(table)
    # The header is bold on a terminal; the cells hold no control characters.
    terminal(sys.stdout).writelines(_unpadded(line) + "\n" for line in captured.get().splitlines())


def print_records(rows: Iterable[Mapping[str, str]]) -> None:
    """As `print_table`, each cell with its column's name; without rows there is no table."""
    if found := list(rows):
        print_table(tuple(found[0]), [tuple(row.values()) for row in found])


@contextmanager
def live_bar(*columns: "str | ProgressColumn") -> Iterator["Progress"]:
    """A progress bar on stderr while the block runs."""
    from rich.console import Console
    from rich.progress import Progress

    # What is counted takes unequal times: over a short window the estimate would jump.
    console = Console(file=terminal(sys.stderr))
    with Progress(*columns, console=console, speed_estimate_period=600) as bar, plain_streams():
        yield bar


def _unpadded(line: str) -> str:
    """Without the padding of the last column: on a narrow terminal it would be lines of nothing."""
    styled = line.endswith(_RESET)
    return line.removesuffix(_RESET).rstrip() + _RESET * styled


def _least(width: int) -> int:
    return width if width <= _SHORT else _NARROWEST


def _console(least: int) -> "Console":
    """What folds a table that is `least` characters wide or wider.

    A terminal that is narrower gets the table as a pipe does, and breaks the lines itself.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not sys.stdout.isatty() or console.width < least:
        console.width = _PIPE_WIDTH
    return console
