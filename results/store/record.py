"""The record of a run, `run.json`: what was asked, with which versions, and how it stands.

A record of a newer schema is refused, not guessed at.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from effsearch.results.store.files import read_json_object
from effsearch.results.store.secrets import without_secrets
from effsearch.search_spaces.errors import InputError

SCHEMA_VERSION = 1
FLOPS_CONVENTION = "multiply-adds of convolutions and linear layers, batch 1"
_VERSIONED = ("effsearch", "torch", "ray", "optuna", "numpy")

Record = dict[str, Any]


def new_record(
    kind: str,
    name: str,
    command: Sequence[str],
    config: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> Record:
    """The record of a run that starts now. `config` has to be plain data.

    Raises:
        ValueError: `extra` has a key that the record sets itself, or something is not finite.
        TypeError: something is not plain data.
    """
    plain_config = without_secrets(as_plain_data(config))
    record = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "name": name,
        "status": "running",
        "created_at": now(),
        "finished_at": None,
        "command": without_secrets(list(command)),
        "seed": plain_config.get("seed"),
        "flops_convention": FLOPS_CONVENTION,
        "versions": installed_versions(),
        "config": plain_config,
    }
    taken = sorted(record.keys() & extra.keys())
    if taken:
        raise ValueError(f"a run's record sets {', '.join(taken)} itself")
    return record | as_plain_data(extra)


def now() -> str:
    """This moment in UTC, ISO 8601 with microseconds: text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def installed_versions() -> dict[str, str | None]:
    """Versions of Python and of what decides a search, without importing it; `None`: absent."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    return versions | {package: _version(package) for package in _VERSIONED}


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def as_plain_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON and YAML can both hold: tuples become lists, paths become text.

    Raises:
        TypeError: something is not plain data.
        ValueError: a number is not finite.
    """
    plain: dict[str, Any] = json.loads(json.dumps(dict(values), allow_nan=False, default=os.fspath))
    return plain


def read_record(directory: Path) -> Record:
    """Read and check the `run.json` of a run directory.

    Raises:
        InputError: there is none, it is no run's, it is corrupt, or of a newer schema.
    """
    path = directory / "run.json"
    if not path.is_file():
        raise InputError(
            f"{directory} is not a run directory (no run.json): `effsearch results ls` "
            "lists the runs"
        )
    record: Record = read_json_object(path)
    schema = record.get("schema_version")
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        writer = _writer(record)
        raise InputError(
            f"{path} was written by effsearch {writer} with schema {schema}, newer than schema "
            f"{SCHEMA_VERSION} of this effsearch {_version('effsearch') or ''}: upgrade effsearch"
        )
    has_text = all(isinstance(record.get(key), str) for key in ("kind", "status", "created_at"))
    if not isinstance(schema, int) or not has_text or not isinstance(record.get("config"), dict):
        raise InputError(f"{path} is not the record of an effsearch run: restore it from a copy")
    # Of a run from before passwords were left out.
    return record | {"command": without_secrets(record.get("command"))}


def _writer(record: Record) -> str:
    versions = record.get("versions")
    version = versions.get("effsearch") if isinstance(versions, dict) else None
    return str(version or "(unknown version)")
