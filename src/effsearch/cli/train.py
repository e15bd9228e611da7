"""`effsearch train`: an architecture to a trained model."""

import os
import sys
from typing import TYPE_CHECKING

from effsearch.cli.options import as_text, print_document, show_forecast
from effsearch.cli.run_command import Asked, run_command
from effsearch.results.terminal import print_records, print_table
from effsearch.training.runs.config import TrainConfig

if TYPE_CHECKING:
    from effsearch.training.runs.answer import TrainResult


@run_command(TrainConfig, "train")
def train(asked: Asked) -> None:
    """Train a network, and measure it on held-out images.

    Writes RUN_DIR/train/NNN with train.json, metrics.csv and checkpoints/best.safetensors and
    last.safetensors. Ctrl-C stops it, --resume continues it: the weights are those of a
    training that was never stopped.
    """
    # Before torch is loaded: threads that wait busily for one another nearly stand still where
    # another process holds a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from effsearch.training.runs.run import resume_training, train_model

    result = asked.result(train_model, resume_training, lambda config: _dry_run(config, asked))
    if result is not None:
        _show(result, asked.as_json, asked.quiet)


def _dry_run(config: TrainConfig, asked: Asked) -> None:
    from effsearch.training.runs.forecast import forecast

    document = forecast(config, asked.run_dir)
    if not asked.quiet:
        for note in document["notes"]:
            print(note, file=sys.stderr)
    show_forecast(document, asked.as_json, without=_ELSEWHERE)
    if not asked.as_json:
        print()
        print_records(
            {name: as_text(value) for name, value in row.items()} for row in document["schedule"]
        )


_ELSEWHERE = ("notes", "schedule", "recipe")
"""What a dry run shows otherwise than as a line of text, or only as JSON."""


def _show(result: "TrainResult", as_json: bool, quiet: bool) -> None:

    if as_json:
        print_document(result.answer)
        return
    rows = [
        (name, str(part["images"]), *(f"{part[key]:.4f}" for key in ("top1", "top5", "loss")))
        for name, part in result.answer["accuracy"].items()
        if part is not None
    ]
    print_table((f"epoch {result.best_epoch}", "images", "top1", "top5", "loss"), rows)
    if not quiet:
        print(f"model: {result.best}", file=sys.stderr)
        print(f"answer: {result.path / 'train.json'}", file=sys.stderr)
