"""A folder of 1,000 classes and 200,000 small images: seconds until a training has its first batch,
and the memory it then holds.

The folder is written here, from a few different JPEGs. The training is planned by a process of its
own, imports included, as a user waits for it: `--classes` and `--images` set other sizes. Processor
seconds stand beside, because other work on the machine stretches the wall clock and not them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np

from benchmarks.machine import write_result

SIDE = 64
DISTINCT = 50
REQUIRED = {"seconds_to_first_batch": 60.0, "peak_mb": 2000.0}


def main() -> None:
    """Measure, print, write `results/many_images.json`; exit 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start is not None:
        print(json.dumps(_start(options.start)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _write_folder(Path(folder), options.classes, options.images)
        began = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.many_images", "--start", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        whole = time.perf_counter() - began
    measured = json.loads(done.stdout)
    measured["seconds_to_first_batch"] = round(whole - measured.pop("seconds_of_more"), 1)
    for key, value in measured.items():
        bound = f"required below {REQUIRED[key]:,}" if key in REQUIRED else ""
        print(f"{key:28}{value:>12,}  {bound}")
    size = {"classes": options.classes, "images": options.images, "side": SIDE}
    write_result("many_images", {**size, "measured": measured, "required": REQUIRED}, ("torch",))
    if any(measured[key] > bound for key, bound in REQUIRED.items()):
        raise SystemExit(1)


def _write_folder(root: Path, classes: int, images: int) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    encoded = []
    for _ in range(DISTINCT):
        stream = BytesIO()
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
        encoded.append(stream.getvalue())
    for number in range(classes):
        folder = root / "train" / f"class{number:04}"
        folder.mkdir(parents=True)
        for index in range(images // classes):
            (folder / f"{index:05}.jpg").write_bytes(encoded[(number + index) % DISTINCT])


def _start(folder: Path) -> dict[str, float]:
    """Plan a training and take its first batch; then, for the rate, forty more."""
    import torch

    from effsearch.training.data.progress import data_progress
    from effsearch.training.runs.config import TrainConfig
    from effsearch.training.runs.preparation import make_plan
    from effsearch.training.sources import TrainView

    config = TrainConfig(model="mobilenet-v2", data=str(folder), device="cpu", batch_size=128)
    with data_progress(lambda line: print(line, file=sys.stderr)):
        began = time.perf_counter()
        plan = make_plan(config, folder / "runs")
        planned = time.perf_counter() - began
    view = TrainView(resolution=plan.resolution, crop_scale=0.3, seed=0)
    order = torch.randperm(len(plan.source.labels["train"]))
    batches = plan.source.train_batches(list(torch.split(order, 128)[:41]), view)
    next(batches)
    first, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    shown = sum(len(labels) for _, labels in batches)
    more = time.perf_counter() - first
    return {
        "seconds_of_plan": round(planned, 1),
        "cpu_seconds_to_first_batch": round(spent.ru_utime + spent.ru_stime, 1),
        "seconds_of_more": more,
        "streamed_images_per_second": round(shown / more),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


if __name__ == "__main__":
    main()
