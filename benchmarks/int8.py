"""What int8 on ONNX Runtime costs in accuracy and saves in time, and how well a table predicts it.

EfficientNet-B0 and the winner of a short search are trained on the digits at 32 px by the commands
that are printed, and evaluated on the digits' test part in float32 and in int8, calibrated on
images of the validation part. Latencies are of one image on one thread, at 32 and at 224 px, by
ONNX Runtime in both. A table of int8 layers is then judged on whole networks of the `mnasnet` space
at 224 px that its correction has not seen. Random weights and calibration images where only time
is measured.

A quarter of an hour on a quiet machine. `--keep FOLDER` keeps runs and tables; the same command
goes on there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latency import IN_TABLE, SPACE, compare_with_table
from benchmarks.machine import write_result
from effsearch.latency.base_meter import measure
from effsearch.latency.building import BuildOptions
from effsearch.latency.meter import make_meter
from effsearch.search_spaces.space_file import load_space
from effsearch.training.export.int8 import evaluate_int8
from effsearch.training.models.model_file import read_model_info

UNSEEN = 20
RECIPE = "--data digits --resolution 32 --stem-stride 1 --epochs 8 --device cpu"
TRAIN_B0 = f"effsearch train --model efficientnet-b0 {RECIPE} --name b0"
SEARCH = (
    "effsearch baseline --target-flops 100M --data digits --proxy-resolution 16 --epochs 1 "
    "--samples 8 --device cpu --name searched"
)
TRAIN_SEARCHED = f"effsearch train --model runs/baseline/searched {RECIPE} --name searched"
COMMANDS = {
    "efficientnet-b0": (TRAIN_B0,),
    "searched": (SEARCH, TRAIN_SEARCHED),
}


def main() -> None:
    """Measure, print, write `results/int8.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder for runs and tables, to go on from")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (wanted.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        networks = {name: _network(name, commands, folder) for name, commands in COMMANDS.items()}
        table = _table(folder)
    write_result(
        "int8",
        {
            "what": "int8 on ONNX Runtime (static, QDQ, a scale for each output channel of the "
            "weights, uint8 activations) beside float32; latencies are medians of one image on "
            "one thread, ONNX Runtime in both",
            "networks": networks,
            "table": table,
        },
        packages=("torch", "onnx", "onnxruntime", "numpy"),
    )


def _network(name: str, commands: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Train a network, and measure it in both."""
    for command in commands:
        kind, run = command.split()[1], command.split()[-1]
        if not (folder / "runs" / kind / run / f"{kind}.json").exists():
            print(f"$ {command}", flush=True)
            words = [sys.executable, "-m", "effsearch.cli.app", *command.split()[1:], "-q"]
            subprocess.run(words, cwd=folder, check=True, env={**os.environ})
    model = folder / "runs" / "train" / commands[-1].split()[-1] / "checkpoints/best.safetensors"
    compared = evaluate_int8(model, device="cpu")
    print(f"{name}: {compared.line}")
    architecture = read_model_info(model).architecture
    latency = {}
    for pixels in (32, 224):
        both = {
            dtype: measure(make_meter("onnxruntime", dtype=dtype), architecture, pixels)
            for dtype in ("float32", "int8")
        }
        latency[f"{pixels} px"] = {
            f"{dtype}_ms": round(found.median_ms, 3) for dtype, found in both.items()
        }
        said = ", ".join(f"{found.median_ms:.2f} ms in {dtype}" for dtype, found in both.items())
        print(f"{name} at {pixels} px: {said}", flush=True)
    return {"commands": commands, "accuracy": compared.to_dict(), "latency": latency}


def _table(folder: Path) -> dict[str, Any]:
    """Predicted and measured latency in int8 of networks that the correction has not seen."""
    space = load_space(SPACE)
    rows = space.sample(np.random.default_rng(0), 2 * (IN_TABLE + UNSEEN))
    drawn = list(dict.fromkeys(space.decode(row) for row in rows))[: IN_TABLE + UNSEEN]
    meter = make_meter(dtype="int8")
    accuracy, _, what = compare_with_table(meter, drawn, BuildOptions(), folder)
    found = what | {
        "space": SPACE,
        "networks": {"in_table": IN_TABLE, "unseen": len(accuracy.measured_ms)},
        "median_error": round(accuracy.error, 4),
        "largest_error": round(accuracy.worst, 4),
        "kendall_tau": round(accuracy.tau, 3),
    }
    print(
        f"table: median error {accuracy.error:.1%}, largest {accuracy.worst:.1%}, Kendall tau "
        f"{accuracy.tau:.3f} on {len(accuracy.measured_ms)} networks not seen"
    )
    return found


if __name__ == "__main__":
    main()
