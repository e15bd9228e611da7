"""Networks and trained models from Python: `evaluate`, `export`, `gradcam`, `profile`, `lut build`.

A model is given as its file, as a train run by path or name, or as what `effsearch.train` returned;
None is the best of the newest finished train run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from effsearch.search_spaces.profile import Row
from effsearch.search_spaces.profile import profile as _profile
from effsearch.search_spaces.zoo import NetworkLike, as_architecture

if TYPE_CHECKING:
    from effsearch.latency.base_meter import Latency
    from effsearch.latency.prediction import Predictor
    from effsearch.search_spaces.space import SearchSpace
    from effsearch.training.data.given import LabelledImages
    from effsearch.training.export import Export
    from effsearch.training.export.int8 import Compared
    from effsearch.training.loop.evaluated_part import PartEvaluation

ModelLike: TypeAlias = Any
"""A model file, a train run by path or name, a `Run`, a `TrainResult`, or None for the newest."""
Backend: TypeAlias = Literal["torch", "onnxruntime"]
NumberFormat: TypeAlias = Literal["float32", "float16", "bfloat16", "int8"]
_CHECKED_ON = 8  # images


@overload
def evaluate(
    model: ModelLike = None,
    *,
    data: "str | Path | LabelledImages | None" = None,
    part: Literal["test", "validation"] | None = None,
    device: str = "auto",
    dtype: Literal["float32"] = "float32",
    skip_bad: bool = False,
    run_dir: str | Path = "runs",
) -> "PartEvaluation": ...


@overload
def evaluate(
    model: ModelLike = None,
    *,
    data: "str | Path | LabelledImages | None" = None,
    part: Literal["test", "validation"] | None = None,
    device: str = "auto",
    dtype: Literal["int8"],
    skip_bad: bool = False,
    run_dir: str | Path = "runs",
) -> "Compared": ...


def evaluate(
    model: ModelLike = None,
    *,
    data: "str | Path | LabelledImages | None" = None,
    part: Literal["test", "validation"] | None = None,
    device: str = "auto",
    dtype: Literal["float32", "int8"] = "float32",
    skip_bad: bool = False,
    run_dir: str | Path = "runs",
) -> "PartEvaluation | Compared":
    """Evaluate a trained model on images it has not seen; `effsearch evaluate` as a function.

    Args:
        model: in any way one has it.
        data: of the same classes, as in `train`; None for what it was trained on.
        part: `test`, or `validation`, what its own training held out; None for the first of them
            that there is.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        dtype: `float32`, or `int8` beside it.
        skip_bad: leave unreadable images out and count them.
        run_dir: folder of the runs.

    Returns:
        The evaluation, with what it was made on; in `int8` that of both, with their conditions.

    Raises:
        InputError: no such model or data, or other classes.
        MissingResourceError: a device or a package is missing.

    Example:
        >>> import effsearch
        >>> found = effsearch.evaluate("runs/train/001", device="cpu")
        >>> 0 <= found.evaluation.top1 <= 1, found.part
        (True, 'test')
    """
    from effsearch.training.export.int8 import evaluate_int8
    from effsearch.training.loop.evaluated_part import evaluate_checkpoint

    path = _model_file(model, run_dir)
    call = evaluate_int8 if dtype == "int8" else evaluate_checkpoint
    return call(path, data=_data(data), part=part, device=device, skip_bad=skip_bad)


def export(
    model: ModelLike = None,
    *,
    format: Literal["onnx", "torchscript", "safetensors"] = "onnx",
    output: str | Path | None = None,
    names: Literal["effsearch", "timm", "torchvision"] = "effsearch",
    dtype: Literal["float32", "int8"] = "float32",
    data: "str | Path | LabelledImages | None" = None,
    run_dir: str | Path = "runs",
) -> "Export":
    """Export a trained model as a file that was run on real images; `effsearch export`.

    Args:
        model: in any way one has it.
        format: `onnx` and `torchscript` take pixels 0..255 and normalise them inside;
            `safetensors` are weights alone.
        output: file to write; None for one beside the model file.
        names: of the tensors in `safetensors`.
        dtype: `int8` is of `onnx`.
        data: images to check the file on; None for what it was trained on, else the digits.
        run_dir: folder of the runs.

    Returns:
        Where it is, its card, and how far its logits are from torch's.

    Raises:
        EffsearchError: no such model, or logits that differ: nothing is written.
        MissingResourceError: a package is missing.

    Example:
        >>> import effsearch
        >>> done = effsearch.export("runs/train/001", format="safetensors", output="a.safetensors")
        >>> done.path.name, done.largest_difference < 1e-4
        ('a.safetensors', True)
    """
    from effsearch.training.export import check_export_options, export_model
    from effsearch.training.export.images import images_to_check

    check_export_options(format, names, dtype)
    path = _model_file(model, run_dir)
    named = _data(data)
    images, images_from = images_to_check(path, named, _CHECKED_ON)
    return export_model(
        path,
        None if output is None else Path(output),
        format=format,
        names=names,
        dtype=dtype,
        data=named,
        images=images,
        images_from=images_from,
    )


def gradcam(
    models: ModelLike | Sequence[ModelLike] = None,
    *,
    data: "str | Path | LabelledImages | None" = None,
    images: Sequence[str | Path] = (),
    output: str | Path = "gradcam.png",
    count: int = 5,
    labels: Sequence[str] | None = None,
    seed: int = 0,
    device: str = "auto",
    run_dir: str | Path = "runs",
) -> Path:
    """Draw where models look in the same images; `effsearch gradcam` as a function.

    Args:
        models: one, or a list, a column each.
        data: whose test part gives images; None for what the first model was trained on.
        images: pictures, or folders of pictures, in place of `data`.
        output: PNG to write.
        count: images of `data`, a row each.
        labels: over the columns; None for the networks' names.
        seed: of the choice of images.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        run_dir: folder of the runs.

    Returns:
        The picture's file.

    Raises:
        InputError: no such model or data, data and images at once, other labels than models.
        MissingResourceError: the device is not there.

    Example:
        >>> import effsearch
        >>> effsearch.gradcam("runs/train/001", count=2, device="cpu").name
        'gradcam.png'
    """
    from effsearch.training.export.gradcam_picture import draw_gradcam

    several = list(models) if isinstance(models, list | tuple) else [models]
    place = Path(output)
    draw_gradcam(
        [_model_file(one, run_dir) for one in several],
        place,
        data=_data(data),
        images=[Path(one) for one in images],
        count=count,
        labels=labels,
        seed=seed,
        device=device,
    )
    return place


def profile(network: NetworkLike, *, resolution: int | None = None) -> list[Row]:
    """A network's layers with their costs, from stem to head; `effsearch profile`.

    Args:
        network: in any way one has it.
        resolution: pixels, where they differ from the network's own.

    Returns:
        A row a layer; multiply-adds and parameters add up to `effsearch.cost`.

    Raises:
        InputError: no such network.

    Example:
        >>> import effsearch
        >>> sum(row.macs for row in effsearch.profile("efficientnet-b0"))
        385814752
    """
    return _profile(as_architecture(network), resolution)


def measure_latency(
    network: NetworkLike,
    *,
    resolution: int | None = None,
    backend: Backend | None = None,
    device: str = "cpu",
    dtype: NumberFormat = "float32",
    threads: int = 1,
    batch: int = 1,
) -> "Latency":
    """Time a network with random weights; `effsearch profile --latency` as a function.

    Args:
        network: in any way one has it.
        resolution: pixels, where they differ from the network's own.
        backend: None for torch, in `int8` for ONNX Runtime.
        device: `cpu`, `cuda`, `cuda:1`.
        dtype: number format.
        threads: of the CPU.
        batch: images at a time.

    Returns:
        Milliseconds, with what they were measured with.

    Raises:
        InputError: no such network, or a setting that does not go together.
        MissingResourceError: a device or a package is missing.

    Example:
        >>> import effsearch
        >>> effsearch.measure_latency("mobilenet-v2", resolution=32).timing.median_ms > 0
        True
    """
    from effsearch.latency.base_meter import measure
    from effsearch.latency.meter import make_meter

    meter = make_meter(backend, device, dtype=dtype, threads=threads, batch=batch)
    return measure(meter, as_architecture(network), resolution)


def build_latency_table(
    space: "str | Path | SearchSpace | Mapping[str, Any]" = "mnasnet",
    *,
    device: str = "cpu",
    backend: Backend | None = None,
    threads: int = 1,
    batch: int = 1,
    dtype: NumberFormat = "float32",
    output: str | Path | None = None,
    passes: int = 2,
    networks: int = 60,
    seed: int = 0,
) -> "Predictor":
    """Measure a space's layers, and networks to correct their sum by; `effsearch lut build`.

    What the file holds is not measured again: a build that was stopped goes on.

    Args:
        space: in any way one has it.
        device, backend, threads, batch, dtype: as in `measure_latency`.
        output: CSV to write; None for one in `lut/`, named after space, backend and device.
        passes: times each layer is measured; the best counts.
        networks: whole ones: two thirds correct, one third checks.
        seed: of the networks.

    Returns:
        What predicts the latency of any network: `predictor.network_ms(network)`; the file is
        `predictor.table.path`, and how far predictions are off is `predictor.accuracy`.

    Raises:
        InputError: no such space, or a file of another setting.
        MissingResourceError: a device or a package is missing.

    Example:
        >>> import effsearch
        >>> space = {"resolution": 16, "stem": {"channels": 8},
        ...          "stages": [{"op": "mbconv", "channels": [8, 16]}], "head": {"channels": 16}}
        >>> table = effsearch.build_latency_table(space, networks=6, passes=1, output="runs/a.csv")
        >>> table.network_ms(effsearch.load_space(space).decode([0])) > 0
        True
    """
    from effsearch.latency.building import BuildOptions, build_table
    from effsearch.latency.meter import backend_of, make_meter
    from effsearch.latency.prediction import Predictor
    from effsearch.latency.table import default_table
    from effsearch.search_spaces.space_file import load_space

    found = load_space(space)
    usual = default_table(found.name, backend or backend_of(dtype), device, dtype, batch)
    meter = make_meter(backend, device, dtype=dtype, threads=threads, batch=batch)
    options = BuildOptions(passes=passes, networks=networks, seed=seed)
    return Predictor(build_table(usual if output is None else Path(output), found, meter, options))


def _data(data: "str | Path | LabelledImages | None") -> str | None:
    from effsearch.training.data.given import take_data

    return data if data is None or isinstance(data, str) else take_data("data", data)


def _model_file(model: ModelLike, run_dir: str | Path) -> Path:
    from effsearch.training.runs.checkpoint_index import find_checkpoint

    named = getattr(model, "path", model)
    return find_checkpoint(Path(run_dir), None if named is None else str(named))
