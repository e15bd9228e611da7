"""A latency target: a table predicts the latencies of a space, a meter measures the winners."""

import hashlib
import math
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from effsearch.latency.base_meter import Meter
from effsearch.latency.command_meter import CommandMeter
from effsearch.latency.meter import backend_of, make_meter
from effsearch.latency.population import PopulationLatency
from effsearch.latency.prediction import Predictor
from effsearch.latency.table import (
    LatencyTable,
    default_command_table,
    default_table,
    read_table,
)
from effsearch.nas.config import BaselineConfig
from effsearch.nas.ray_meter import RemoteMeter, check_here
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace

_COMMAND = "command"


@dataclass(frozen=True)
class LatencySource:
    """Where a search has its latencies from.

    Attributes:
        predictor: of single networks, with what its table was measured with.
        population: of many encodings at once.
        meter: measures a network end to end on the table's device: a CUDA device from a process of
            its own on the node that has it, all else from the process that drives the search.
        record: what `run.json` says of it.
    """

    predictor: Predictor
    population: PopulationLatency
    meter: Meter | RemoteMeter
    record: dict[str, Any]

    @property
    def note(self) -> str:
        """A line that says how far predictions are off."""
        error, count = self.record["unseen_error"], self.record["unseen_networks"]
        known = "too few networks to say how far it is off"
        if error is not None:
            known = f"median error {error:.1%} on {count} networks that its correction has not seen"
        return f"latency from {self.record['table']}: {known}"


def load_latency(config: BaselineConfig, space: SearchSpace) -> LatencySource | None:
    """The table and the meter of a search; None where it neither wants nor names a latency.

    The table says what it was measured with; options only have to name what is to be checked.

    Raises:
        InputError: there is no table (the message says how to build it), it was measured on
            another device or with other versions than are here, or it lacks a layer of the space.
        MissingResourceError: the device is not there.
    """
    if config.target_latency is None and config.latency_table is None:
        _refuse_lonely(config)
        return None
    path = _table_path(config, space)
    if not path.exists():
        if config.latency_command is None:  # a device that is not there needs no table
            _check_device(config)
        raise InputError(
            f"there is no latency table {path}: measure it with {_build(config, path)}"
        )
    table = read_table(path)
    meter = _meter(config, table)
    predictor = Predictor(table)
    population = PopulationLatency(space, predictor.layer_ms)
    accuracy = predictor.accuracy
    record = {
        "table": str(path),
        "digest": hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        "setting": asdict(table.setting),
        "unseen_networks": len(accuracy.measured_ms),
        "unseen_error": _known(accuracy.error),
        "unseen_tau": _known(accuracy.tau),
    }
    return LatencySource(predictor, population, meter, record)


def _refuse_lonely(config: BaselineConfig) -> None:
    options = ("command", "backend", "dtype", "threads", "batch")
    if config.latency_measure == "each":
        raise InputError("latency_measure each goes with target_latency or latency_table")
    for name in (f"latency_{option}" for option in options):
        if getattr(config, name) is not None:
            raise InputError(f"{name} goes with target_latency or latency_table: give one of them")


def _table_path(config: BaselineConfig, space: SearchSpace) -> Path:
    """The table named, or where `effsearch lut build` writes that of the space."""
    if config.latency_table is not None:
        return Path(config.latency_table)
    dtype, batch = config.latency_dtype, config.latency_batch or 1
    if config.latency_command is not None:
        return default_command_table(space.name, batch)
    backend = config.latency_backend or backend_of(dtype)
    return default_table(space.name, backend, config.latency_device, dtype, batch)


def _build(config: BaselineConfig, path: Path) -> str:
    """The command that builds the table that is missing."""
    space = config.space if isinstance(config.space, str) else "SPACE.yaml"
    words = ["effsearch", "lut", "build", "--space", space]
    if config.latency_command is not None:
        words += ["--latency-command", config.latency_command]
    else:
        words += ["--device", config.latency_device]
        words += ["--backend", config.latency_backend] if config.latency_backend else []
        words += ["--dtype", config.latency_dtype] if config.latency_dtype else []
        words += ["--threads", str(config.latency_threads)] if config.latency_threads else []
    words += ["--batch", str(config.latency_batch)] if config.latency_batch else []
    return shlex.join([*words, "--output", str(path)])


def _meter(config: BaselineConfig, table: LatencyTable) -> Meter | RemoteMeter:
    """The meter of what the table was measured with, where options do not say otherwise.

    Raises:
        InputError: what it measures with is not what the table was measured with.
        MissingResourceError: the device is not there.
    """
    setting = table.setting
    batch = config.latency_batch or setting.batch
    if config.latency_command is None and setting.backend == _COMMAND:
        raise InputError(
            f"{table.path} was measured by a command: name it with --latency-command "
            f"{shlex.quote(setting.device)}"
        )
    options: dict[str, Any] = {
        "backend": config.latency_backend or setting.backend,
        "dtype": config.latency_dtype or setting.dtype,
        "threads": config.latency_threads or setting.threads or 1,
        "batch": batch,
        "graph": setting.versions.endswith(", graph"),
    }
    meter: Meter
    if config.latency_command is not None:
        meter = CommandMeter(config.latency_command, timeout=config.latency_timeout, batch=batch)
    elif _is_cuda(config):
        _check_device(config)
        remote = RemoteMeter(config.latency_device, table, config.ray_address, **options)
        remote.check()
        return remote
    else:
        meter = make_meter(device=config.latency_device, **options)
    table.check_setting(meter.setting)
    return meter


def _check_device(config: BaselineConfig) -> None:
    """Whether the device is there; the nodes of a cluster are looked at once there is a table."""
    if not _is_cuda(config):
        make_meter(
            config.latency_backend, config.latency_device, dtype=config.latency_dtype or "float32"
        )
    elif config.ray_address is None:
        check_here(config.latency_device)


def _is_cuda(config: BaselineConfig) -> bool:
    return config.latency_device.partition(":")[0] == "cuda"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
