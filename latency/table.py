"""A latency table: a CSV with one line a measurement of a layer, and some of whole networks.

It is only ever appended to, so a build that was stopped goes on where it was, and what follows
from the lines (the fastest of a layer's passes, the correction) is worked out when it is read.
"""

import contextlib
import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from effsearch.latency.base_meter import Setting
from effsearch.latency.layers import Layer
from effsearch.latency.timing import Timing
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.int8 import INT8
from effsearch.search_spaces.notation import format_architecture, parse_stored
from effsearch.search_spaces.text_file import refuse_endless

NETWORK = "network"
_LAYER_FIELDS = tuple(item.name for item in fields(Layer))
_SETTING_FIELDS = tuple(item.name for item in fields(Setting))
_TIMING_FIELDS = ("low_ms", "median_ms", "spread", "runs")
COLUMNS = (*_LAYER_FIELDS, *_SETTING_FIELDS, *_TIMING_FIELDS, NETWORK)
"""`operation` is `network` in the lines of whole networks, and `network` then its notation."""

_HEADER = ",".join(COLUMNS) + "\n"


@dataclass
class Measured:
    """All lines about one layer or network.

    Attributes:
        low_ms: of its fastest pass.
        median_ms: of the same pass.
        passes: how often it was measured.
    """

    low_ms: float
    median_ms: float
    passes: int = 1

    def add(self, low_ms: float, median_ms: float) -> None:
        """Take in another pass."""
        self.passes += 1
        if low_ms < self.low_ms:
            self.low_ms, self.median_ms = low_ms, median_ms


@dataclass
class LatencyTable:
    """What a table file holds.

    Attributes:
        path: the file.
        setting: what everything in it was measured with.
        layers: each layer's measurements.
        networks: whole networks' measurements, in the order of their first lines.
    """

    path: Path
    setting: Setting
    layers: dict[Layer, Measured] = field(default_factory=dict)
    networks: dict[Architecture, Measured] = field(default_factory=dict)

    def add_layer(self, layer: Layer, low_ms: float, median_ms: float) -> None:
        """Take in a measurement of a layer."""
        _add(self.layers, layer, low_ms, median_ms)

    def add_network(self, network: Architecture, low_ms: float, median_ms: float) -> None:
        """Take in a measurement of a whole network."""
        _add(self.networks, network, low_ms, median_ms)

    def check_setting(self, wanted: Setting) -> None:
        """Refuse a table that was measured with anything else.

        Raises:
            InputError: the message names what differs, in the table and here.
        """
        for name in _SETTING_FIELDS:
            here, there = getattr(wanted, name), getattr(self.setting, name)
            if here != there:
                raise InputError(
                    f"{self.path} was measured with {name} '{there}', and this is '{here}': "
                    "build a table for this with effsearch lut build"
                )

    def low_ms(self, layer: Layer) -> float:
        """A layer's latency as measured alone.

        Raises:
            InputError: the table lacks the layer; the message says how to add it.
        """
        found = self.layers.get(layer)
        if found is None:
            raise InputError(
                f"{self.path} lacks the layer {layer}: add it with effsearch lut build --space "
                f"SPACE --output {self.path}, where SPACE is the space that is searched"
            )
        return found.low_ms


def default_table(space: str, backend: str, device: str, dtype: str | None, batch: int) -> Path:
    """Where the table of a space lies if no other place is named.

    Args:
        space: its name.
        backend: `torch` or `onnxruntime`.
        device: `cpu`, `cuda`, `cuda:1`.
        dtype: of its numbers; None for float32.
        batch: images at a time.
    """
    place = f"{backend}-{INT8}" if dtype == INT8 else backend
    return Path("lut") / f"{space}-{place}-{device.replace(':', '')}-b{batch}.csv"


def default_command_table(space: str, batch: int) -> Path:
    """As `default_table`, of networks that a command measures."""
    return Path("lut") / f"{space}-command-b{batch}.csv"


def read_table(path: Path) -> LatencyTable:
    """Read a table.

    Raises:
        InputError: the file cannot be read, is not a latency table, holds no measurement, a line is
            damaged, or its lines were measured with different settings.
    """
    table = _parse(path, _text(path))
    if table is None:
        raise InputError(f"{path} holds no measurements yet: continue effsearch lut build")
    return table


def read_begun_table(path: Path, setting: Setting) -> LatencyTable:
    """The table that a build with a setting goes on with; an empty one where none is there yet.

    Raises:
        InputError: as `read_table`, or what is there was measured with another setting.
    """
    text = _text(path) if os.path.exists(path) else ""
    # A build that was killed may have left a part of the first line.
    table = None if _HEADER.startswith(text) else _parse(path, text)
    if table is None:
        return LatencyTable(path, setting)
    table.check_setting(setting)
    return table


def _text(path: Path) -> str:
    refuse_endless(path, "latency table")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is not text"
        raise InputError(f"cannot read the latency table {path}: {why}") from None


def _parse(path: Path, text: str) -> LatencyTable | None:
    """The measurements of a file, a torn last line aside; None where it has no more than a header.

    Raises:
        InputError: as `read_table`.
    """
    lines = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1]))
    if tuple(lines.fieldnames or ()) != COLUMNS:
        raise InputError(f"{path} is not a latency table: its first line must name {COLUMNS[0]}, …")
    table: LatencyTable | None = None
    for number, row in enumerate(lines, start=2):
        try:
            setting = Setting(**_typed(Setting, _SETTING_FIELDS, row))
            table = table or LatencyTable(path, setting)
            table.check_setting(setting)
            _take_in(table, row)
        except (TypeError, ValueError, AttributeError):
            raise InputError(f"{path}, line {number}: damaged; delete the line") from None
    return table


def _take_in(table: LatencyTable, row: dict[str, str]) -> None:
    low, median = float(row["low_ms"]), float(row["median_ms"])
    if not (low > 0 and median > 0):
        raise ValueError("a latency must be above zero")
    if row["operation"] == NETWORK:
        table.add_network(parse_stored(row[NETWORK]), low, median)
        return
    table.add_layer(Layer(**_typed(Layer, _LAYER_FIELDS, row)), low, median)


class TableWriter:
    """Appends measurements to a table, each group of them safe on the disk when `write` returns.

    A file that it began and wrote no group to is gone when it is closed.

    Raises:
        EffsearchError: the file cannot be written.
    """

    def __init__(self, path: Path, setting: Setting) -> None:
        self._path, self._setting = path, asdict(setting)
        self._is_void = not os.path.exists(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = open(path, "a+", encoding="utf-8", newline="")  # noqa: SIM115
        except OSError as problem:
            raise self._refused(problem) from None
        try:
            self._mend()
        except OSError as problem:
            self.close()
            raise self._refused(problem) from None

    def write(
        self,
        layers: Iterable[tuple[Layer, Timing]] = (),
        networks: Iterable[tuple[Architecture, Timing]] = (),
    ) -> None:
        """Append lines."""
        text = io.StringIO()
        lines = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        for layer, timing in layers:
            lines.writerow(asdict(layer) | self._setting | _numbers(timing))
        for network, timing in networks:
            lines.writerow(
                {"operation": NETWORK, "size": network.resolution}
                | self._setting
                | _numbers(timing)
                | {NETWORK: format_architecture(network)}
            )
        try:
            self._append(text.getvalue())
        except OSError as problem:
            raise self._refused(problem) from None
        self._is_void = False

    def close(self) -> None:
        """Let go of the file."""
        # What a full disk refused is refused again here, and was told then.
        with contextlib.suppress(OSError):
            self._stream.close()
        if self._is_void:
            self._path.unlink(missing_ok=True)

    def _mend(self) -> None:
        """Start with the header; drop a half-written last line of a build that was killed."""
        self._stream.seek(0)
        text = self._stream.read()
        whole = text[: text.rfind("\n") + 1]
        if len(whole) < len(text):
            self._stream.truncate(len(whole.encode("utf-8")))
        if not whole:
            self._append(_HEADER)

    def _append(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _refused(self, problem: OSError) -> EffsearchError:
        return EffsearchError(f"cannot write {self._path}: {problem.strerror or problem}")


def _numbers(timing: Timing) -> dict[str, object]:
    return {
        "low_ms": f"{timing.low_ms:.6g}",
        "median_ms": f"{timing.median_ms:.6g}",
        "spread": f"{timing.spread:.3g}",
        "runs": timing.runs,
    }


def _add(into: dict[Any, Measured], key: object, low_ms: float, median_ms: float) -> None:
    if key in into:
        into[key].add(low_ms, median_ms)
    else:
        into[key] = Measured(low_ms, median_ms)


def _typed(cls: type, names: Iterable[str], row: dict[str, str]) -> dict[str, Any]:
    """The fields of a frozen record, whole numbers where it says so."""
    return {
        name: int(row[name]) if cls.__annotations__[name] is int else row[name] for name in names
    }
