"""The model card: what an exported file is, in Markdown, beside the file."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from effsearch.results.store.record import FLOPS_CONVENTION, installed_versions
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.export.loading_code import loading_lines
from effsearch.training.models.model_file import ModelInfo, network_name

if TYPE_CHECKING:
    from effsearch.training.export.exported import Export

# Further ones stand in the file itself.
_MOST_CLASSES = 200


def model_card(export: "Export", info: ModelInfo) -> str:
    """The card of an export."""
    sections = (
        f"# {network_name(info.architecture)} trained on {_text(info.data_name)}",
        f"`{export.path.name}`: {_kind(export)}, written by effsearch.",
        "## How to use it",
        *_use(export, info),
        "## How it was checked",
        _check(export),
        _int8(export),
        "## Network",
        _table(_network(info)),
        "## Data",
        _table(info.data),
        f"Classes, in the order of the outputs: {_classes(info)}",
        "## Recipe",
        _table(info.recipe),
        "## Metrics",
        _table(info.metrics),
        "Of the best epoch on the validation part, as fractions and mean cross-entropy."
        if info.metrics
        else "Nothing was measured.",
        "## Versions",
        _versions(info),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _kind(export: "Export") -> str:
    if export.format == "onnx":
        numbers = " in int8" if export.int8 else ""
        return f"an ONNX graph{numbers}, normalisation inside"
    if export.format == "torchscript":
        return "a TorchScript module, normalisation inside"
    if export.names == "effsearch":
        return "a model file of effsearch (safetensors)"
    return f"weights under {export.names}'s names (safetensors)"


def _use(export: "Export", info: ModelInfo) -> list[str]:
    side = info.resolution
    mean, std = (", ".join(f"{level:.6g}" for level in levels) for levels in (info.mean, info.std))
    larger = round(side / info.crop_ratio)
    cut = f"its shorter side resized to {larger} and the centre {side}×{side} cut out"
    if larger == side:
        cut = f"its shorter side resized to {side} and the centre cut out"
    prepare = (
        f"- An image is RGB, {cut} (bilinear, antialiased); one no larger than {side} is resized "
        f"whole to {side}×{side}."
    )
    if export.format == "safetensors":
        feed = (
            f"- The network takes float32 (N, 3, {side}, {side}): (pixel − mean) / std of each "
            f"channel, pixels in 0..255, mean ({mean}), std ({std})."
        )
    else:
        feed = (
            f"- Input `pixels`: float32 (N, 3, {side}, {side}), any N, plain pixels in 0..255. The "
            f"graph itself subtracts the mean ({mean}) and divides by the deviation ({std})."
        )
    gives = (
        f"- It gives float32 (N, {info.classes}), one logit per class; softmax makes probabilities."
    )
    lines = loading_lines(export, info)
    code = "```python\n" + "\n".join(lines) + "\n```"
    verdict = f"- {export.timm}." if export.timm else ""
    said = [line for line in (prepare, feed, gives, verdict) if line]
    return ["\n".join(said), code if lines else ""]


def _check(export: "Export") -> str:
    run = "The graph was run before it was quantised" if export.int8 else "The file was run"
    return (
        f"{run} on {export.images} images of {_text(export.images_from)}, together and "
        f"one alone. Its logits differ from torch's by {export.largest_difference:.2g} at most."
    )


def _int8(export: "Export") -> str:
    """What int8 costs in accuracy; nothing of a file in float32."""
    if export.int8 is None:
        return ""
    return (
        "Weights are in int8 with a scale for each output channel, activations in uint8 with a "
        f"scale for each tensor (QDQ). Measured: {_text(export.int8.line)}."
    )


def _network(info: ModelInfo) -> dict[str, Any]:
    own = replace(info.architecture, classes=info.classes, resolution=info.resolution)
    own = replace(own, in_channels=3)
    counted = cost(own)
    return {
        "notation": f"`{format_architecture(own)}`",
        "id": own.id,
        "resolution": f"{info.resolution} pixels",
        "parameters": f"{counted.params:,}",
        "FLOPs": f"{counted.macs:,} ({FLOPS_CONVENTION})",
        "batch norm epsilon": f"{own.norm_eps:g}",
    }


def _classes(info: ModelInfo) -> str:
    shown = ", ".join(map(_text, info.class_names[:_MOST_CLASSES]))
    more = info.classes - _MOST_CLASSES
    return f"{shown}, and {more} more that stand in the file." if more > 0 else f"{shown}."


def _versions(info: ModelInfo) -> str:
    then, now = info.versions, installed_versions()
    rows = [
        f"| {_text(name)} | {_text(then.get(name, '–'))} | {_text(now.get(name) or '–')} |"
        for name in sorted(then.keys() | now.keys())
    ]
    return "\n".join(("| | at training | at export |", "|---|---|---|", *rows))


def _table(values: Mapping[str, Any]) -> str:
    rows = (f"| {_text(name)} | {_cell(value)} |" for name, value in values.items())
    return "\n".join(("| | |", "|---|---|", *rows)) if values else ""


def _cell(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"`[^`|]*`", value):
        return value  # our own code, not a stranger's text
    return _text(f"{value:.6g}" if isinstance(value, float) else value)


def _text(value: object) -> str:
    """Text that Markdown and HTML show as it is: class names come from folders of strangers."""
    line = " ".join(str(value).split())
    return re.sub(r"([\\`*_\[\]<>|#!])", r"\\\1", line).replace("&", "&amp;")
