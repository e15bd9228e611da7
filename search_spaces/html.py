"""Tables of HTML, as notebooks show objects; every text is escaped."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(
    rows: Iterable[Sequence[object]], heading: Sequence[str] = (), caption: str = ""
) -> str:
    """A table.

    Args:
        rows: cells as they are to be read.
        heading: of the columns; none where empty.
        caption: above the table.

    Example:
        >>> html_table([("a", 1)], caption="<b>")
        '<table><caption>&lt;b&gt;</caption><tr><td>a</td><td>1</td></tr></table>'
    """
    lines = [_row("th", heading)] if heading else []
    lines += [_row("td", row) for row in rows]
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{said}{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[object]) -> str:
    inner = "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells)
    return f"<tr>{inner}</tr>"
