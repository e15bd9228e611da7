"""Which model file a user means: a path, a training run, or nothing for the newest run's best."""

import os
from pathlib import Path

from effsearch.results.store.run import Run
from effsearch.results.store.run_index import newest_run
from effsearch.search_spaces.errors import InputError
from effsearch.training.runs.checkpointer import TrainPaths

KIND = "train"
_FILES = {".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".onnx"}


def find_checkpoint(root: Path, reference: str | None) -> Path:
    """The model file that a reference names.

    Args:
        root: folder of the runs.
        reference: a file, a train run such as `train/001` or its path (its best model), or None
            for the newest finished train run.

    Raises:
        InputError: there is no such file or run, or the run has no model.
    """
    if reference is not None:
        path = Path(reference)
        if os.path.isfile(path):  # where `Path.is_file` raises an OSError on a very long text
            return path
        if path.suffix in _FILES:
            raise InputError(f"checkpoint '{reference}' does not exist")
    if reference is None:
        run = Run.load(newest_run(root, KIND, ("finished",)))
    else:
        run = Run.open(root, reference)
    best = TrainPaths(run.path).best
    if run.kind != KIND:
        raise InputError(f"run {run.reference} trained no model: give a checkpoint or a train run")
    if not best.is_file():
        raise InputError(f"run {run.reference} has no {best.name}: train it for an epoch at least")
    return best
