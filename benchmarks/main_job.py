"""`make baseline` with our convolutions and with torch's own, seed by seed, in turn.

The command is the Makefile's, so that the seconds are those a new user waits after installation,
and the answers say whether a faster training finds a worse network. A sitecustomize module keeps
our convolutions from seeing an x86 processor, in Ray's workers too. The machine should be quiet.

    ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 \\
        python -m benchmarks.main_job
"""

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import write_result

MAKEFILE = Path(__file__).parents[1] / "Makefile"
REQUIRED_SECONDS = 240
_OF_TORCH = "import platform\nplatform.machine = lambda: 'not x86'\n"
_FORMS = ("ours", "torch")


def main() -> None:
    """Run, print a table, write `results/main_job_<instructions>.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    rows = []
    print(f"{'seed':6}{'convolutions':14}{'seconds':>8}{'winner':>9}  against the reference")
    for seed in range(options.seeds):
        for form in _FORMS:
            row = {"seed": seed, "convolutions": form} | answered(seed, form)
            print(f"{seed:<6}{form:14}{row['seconds']:8.0f}{row['accuracy']:9.4f}", end="")
            print(f"  {row['headline']}", flush=True)
            rows.append(row)
    found = {
        "what": shlex.join(command()),
        "rows": rows,
        "median_seconds": {form: median(rows, form, "seconds") for form in _FORMS},
        "median_accuracy": {form: median(rows, form, "accuracy") for form in _FORMS},
        "required_seconds": REQUIRED_SECONDS,
    }
    print(found["median_seconds"], found["median_accuracy"])
    name = f"main_job_{torch.backends.cpu.get_cpu_capability().lower()}"
    print(f"written: {write_result(name, found)}")


def command() -> list[str]:
    """The Makefile's, from `effsearch` on."""
    found = re.search(r"^\t\$\(BIN\)/(effsearch baseline .*)$", MAKEFILE.read_text("utf-8"), re.M)
    assert found, "no baseline in the Makefile"
    return shlex.split(found[1])


def answered(seed: int, form: str) -> dict[str, Any]:
    """One run in a folder of its own: how long it took, and what it found.

    Args:
        form: `ours` or `torch`, of the convolutions.
    """
    program, *arguments = command()
    with tempfile.TemporaryDirectory() as folder:
        path = [os.environ.get("PYTHONPATH", "")]
        if form == "torch":  # not in the working directory, where every process would find it
            path.insert(0, str(Path(folder) / "first"))
            Path(path[0]).mkdir()
            (Path(path[0]) / "sitecustomize.py").write_text(_OF_TORCH)
        started = time.perf_counter()
        subprocess.run(
            [Path(sys.executable).with_name(program), *arguments, "--seed", str(seed), "--quiet"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - started
        baseline = json.loads((Path(folder) / "runs/baseline/001/baseline.json").read_text("utf-8"))
    reference = baseline["references"][0]
    return {
        "seconds": round(seconds, 1),
        "accuracy": baseline["accuracy"],
        "macs": baseline["macs"],
        "notation": baseline["notation"],
        "reference_accuracy": reference["accuracy"],
        "headline": reference["headline"],
    }


def median(rows: list[dict[str, Any]], form: str, key: str) -> float:
    """Of one column, over the seeds."""
    return float(statistics.median(row[key] for row in rows if row["convolutions"] == form))


if __name__ == "__main__":
    main()
