"""What a measurement was made with, and the file it is written to.

Only what a reader needs to judge the numbers: no host names, no paths.
"""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
_INSTRUCTION_LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
PACKAGES = ("torch", "numpy", "ray", "optuna", "fvcore", "pandas")


def machine(packages: Iterable[str] = PACKAGES) -> dict[str, Any]:
    """Processor, usable cores, accelerator, versions and date, as JSON-ready data.

    Where torch or its libraries are kept from instructions that the processor has,
    `instructions_kept_to` says by which variables.
    """
    kept = {name: os.environ[name] for name in _INSTRUCTION_LIMITS if name in os.environ}
    return {
        "cpu": _cpu_value("model name") or platform.processor() or platform.machine(),
        "cpu_flags": [flag for flag in _cpu_value("flags").split() if flag in _FLAGS],
        **({"instructions_kept_to": kept} if kept else {}),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "accelerator": _accelerator(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: found for name in packages if (found := _version(name))},
        "date": datetime.now(UTC).date().isoformat(),
    }


def write_result(name: str, result: Mapping[str, Any], packages: Iterable[str] = PACKAGES) -> Path:
    """Write `results/<name>.json` beside the scripts: the machine, then what was measured."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"machine": machine(packages), **result}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _cpu_value(name: str) -> str:
    """What Linux says of the first processor under a name, or nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")


def _accelerator() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
