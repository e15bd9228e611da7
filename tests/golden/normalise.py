"""Takes out of printed and written text what differs between two runs of the same command.

Times, durations, versions, hosts and paths become a word in angle brackets; everything else stays.
"""

import csv
import io
import json
import re
import socket
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_VARYING = frozenset(
    {
        "asked_at",
        "bytes",
        "created_at",
        "elapsed",
        "estimated_hours",
        "estimated_seconds",
        "finished_at",
        "images_per_second",
        "resumed_at",
        "seconds",
        "seconds_per_network",
        "seconds_per_step",
        "seconds_per_training",
        "time",
        "versions",
        "worker",
    }
)
"""Keys of documents and columns of tables whose values are never the same twice."""

_MEASURED = frozenset({"device", "low_ms", "median_ms", "runs", "spread", "versions"})
"""Columns of a latency table that hold what a real device took."""

_PROGRESS = re.compile(
    r"\S+ (?P<done>\d+)/(?P<all>\d+) after .*"
    r"|(layers|networks), pass \d+ of \d+: (?P<done2>\d+) of (?P<all2>\d+)"
)
"""A line that is printed whenever the clock says so; only the last one always comes."""

_NUMBER = r"\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
_MASKS = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00:00)?", "<time>"),
    (r"\b(python|effsearch|torch|ray|optuna|numpy) \d[\w.+]*", r"\1 <version>"),
    (rf"\b{_NUMBER} images( a second|/s)", r"<number> images\1"),
    (rf"\bimages/s: {_NUMBER}", "images/s: <number>"),
    (rf"\b{_NUMBER} a minute\b", "<number> a minute"),
    (rf"\b{_NUMBER} (?:s|min|h|seconds|minutes)\b(?! of)", "<duration>"),
    (rf"\b{_NUMBER}[kM]?B(?=, open it in a browser)", "<size>"),
    (rf"^((?:\| )?(?:{'|'.join(sorted(_VARYING))})(?: \| |\s+))(?![-A-Z]).+", r"\1<varies>"),
)
_COMPILED = tuple((re.compile(pattern, re.MULTILINE), word) for pattern, word in _MASKS)


class Normaliser:
    """Normalises what commands print and write in one folder.

    Args:
        folder: where the commands run; its path becomes `<folder>`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = re.compile(re.escape(str(folder.resolve())))
        self._host = re.compile(rf"\b{re.escape(socket.gethostname())}:\d+\b")

    def output(self, text: str) -> str:
        """What a command printed: a JSON document, a CSV table, or lines."""
        if text.startswith(("{", "[")):
            try:
                return self.document(json.loads(text))
            except ValueError:
                pass
        header = text.partition("\n")[0]
        if header.count(",") >= 2 and " " not in header:
            return self.table(text)
        return self.lines(text)

    def lines(self, text: str) -> str:
        """Lines for people. Columns are pushed together where a word of another width came in."""
        kept = [line for line in text.splitlines() if not _is_passing_progress(line)]
        return "".join(f"{self._line(line)}\n" for line in _mask_columns(kept))

    def document(self, document: Any) -> str:
        """A JSON document, indented, in the order of its keys."""
        return json.dumps(self._plain(document), indent=2, ensure_ascii=False) + "\n"

    def table(self, text: str) -> str:
        """A CSV table, its varying columns masked."""
        rows = list(csv.DictReader(io.StringIO(text)))
        if not rows:
            return self.lines(text)
        written = io.StringIO()
        writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(self._row, rows))
        return written.getvalue()

    def file(self, path: Path) -> str | None:
        """The content of a file as text; None where its name is all that is kept of it."""
        normalise = _BY_SUFFIX.get(path.suffix)
        return None if normalise is None else normalise(self, path)

    def _line(self, line: str) -> str:
        masked = self._mask(line)
        return masked if masked == line else re.sub(r"(?<=\S) {2,}", "  ", masked)

    def _mask(self, text: str) -> str:
        text = self._host.sub("<host>", self._folder.sub("<folder>", text))
        text = text.replace("python -m effsearch.cli.app", "effsearch")
        for pattern, word in _COMPILED:
            text = pattern.sub(word, text)
        return text

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        return self._mask(value) if isinstance(value, str) else value

    def _value(self, key: str, value: Any) -> Any:
        if key not in _VARYING or value is None:
            return self._plain(value)
        if isinstance(value, dict):
            return {name: item and "<varies>" for name, item in value.items()}
        return "<varies>"

    def _row(self, row: dict[str, str]) -> dict[str, str]:
        varying = _VARYING
        if row.get("backend") not in (None, "command"):
            varying = varying | _MEASURED
        return {
            key: "<varies>" if key in varying and value else self._mask(value)
            for key, value in row.items()
        }

    def _json_lines(self, path: Path) -> str:
        events = map(json.loads, path.read_text().splitlines())
        return "".join(
            f"{json.dumps(self._plain(event), ensure_ascii=False)}\n" for event in events
        )

    def _page(self, path: Path) -> str:
        text = _PageText()
        text.feed(path.read_text())
        return self.lines(text.shown())

    def _tensors(self, path: Path) -> str:
        """Names, types and shapes of a safetensors file, and what is said beside them."""
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        said = {key: _decoded(text) for key, text in header.pop("__metadata__", {}).items()}
        shapes = {name: f"{one['dtype']} {one['shape']}" for name, one in sorted(header.items())}
        return self.document({"metadata": dict(sorted(said.items())), "tensors": shapes})


def skeleton(value: Any) -> Any:
    """The keys and types of a document that holds measurements; of a list its first entry."""
    if isinstance(value, dict):
        return {key: skeleton(item) for key, item in value.items()}
    if isinstance(value, list):
        return [skeleton(item) for item in value[:1]]
    return f"<{type(value).__name__}>"


def _is_passing_progress(line: str) -> bool:
    found = _PROGRESS.fullmatch(line)
    if not found:
        return False
    return (found["done"] or found["done2"]) != (found["all"] or found["all2"])


def _mask_columns(lines: list[str]) -> list[str]:
    """The lines with the varying columns of tables masked: of `a  b  c` and of `| a | b | c`."""
    shown, header = [], [""]
    for line in lines:
        gap = " | " if line.startswith("| ") else "  "
        cells = line.split(gap) if gap == " | " else re.split(r"(?<=\S) {2,}", line)
        if len(cells) > 2 and _VARYING.intersection(cell.lower() for cell in cells[1:]):
            header = [cell.lower() for cell in cells]
        elif len(cells) == len(header) > 2:
            pairs = zip(header, cells, strict=True)
            line = gap.join("<varies>" if name in _VARYING else cell for name, cell in pairs)
        else:
            header = [""]
        shown.append(line)
    return shown


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _PageText(HTMLParser):
    """The text of a page, one line a block; a picture or a script is only said to be there."""

    _ELIDED = frozenset({"svg", "script", "style"})
    _INLINE = frozenset({"a", "b", "code", "em", "i", "span", "strong", "sub", "sup"})
    _CELLS = frozenset({"td", "th"})

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._inside: str | None = None

    def shown(self) -> str:
        """What was fed, without empty lines."""
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        return "".join(f"{line}\n" for line in lines if line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            return
        named = dict(attrs)
        if tag in self._ELIDED:
            self._inside = tag
            label = named.get("aria-label") or named.get("type") or ""
            self._parts.append(f"\n<{' '.join(filter(None, (tag, label)))}>\n")
        elif tag == "img":
            self._parts.append(f"\n<img {named.get('alt') or ''}>\n")
        elif tag in self._CELLS:
            self._parts.append(" | ")
        elif tag not in self._INLINE:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None
        elif not self._inside and tag not in self._INLINE and tag not in self._CELLS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._parts.append(data.replace("\n", " "))


_BY_SUFFIX: dict[str, Callable[[Normaliser, Path], str]] = {
    ".csv": lambda one, path: one.table(path.read_text()),
    ".html": Normaliser._page,
    ".json": lambda one, path: one.document(json.loads(path.read_text())),
    ".jsonl": Normaliser._json_lines,
    ".md": lambda one, path: one.lines(path.read_text()),
    ".safetensors": Normaliser._tensors,
    ".yaml": lambda one, path: one.lines(path.read_text()),
}
