"""`effsearch.create_model`: a network in timm's manner, with the weights of a training."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.backbone import FeatureNetwork, Model
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.zoo import NetworkLike, as_architecture
from effsearch.training.models.model_file import ModelInfo, read_model_info
from effsearch.training.models.transfer import read_weights, transfer_weights

PREFIX = "effsearch/"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STEMS = ("stem.0.weight", "stem.0.0.weight")
_HUB = "hf:"

Created: TypeAlias = "Model | FeatureNetwork"


def create_model(
    network: NetworkLike,
    pretrained: bool = False,
    *,
    num_classes: int | None = None,
    in_chans: int = 3,
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
    global_pool: str | None = None,
    features_only: bool = False,
    out_indices: Sequence[int] | None = None,
    checkpoint_path: str | os.PathLike[str] | None = None,
) -> Created:
    """A network with timm's manners, for classification or as a backbone.

    Args:
        network: in any way one has it, `effsearch/NAME` too; or a model file, a training, or a
            folder or `hf:USER/NAME` of `effsearch export --to`, of which `pretrained` takes the
            weights.
        pretrained: with the weights of the training that `network` names.
        num_classes: outputs, 0 for pooled features; None for the training's or the architecture's.
        in_chans: channels of the images; weights of a stem for three are summed or repeated.
        drop_rate: dropout in front of the classifier.
        drop_path_rate: stochastic depth of the last block.
        global_pool: `avg` (the default), `max`, or empty, which goes with `num_classes=0`.
        features_only: a `FeatureNetwork`, which gives a list of feature maps.
        out_indices: which of them, 0 the largest; None for all.
        checkpoint_path: weights to take instead: a model file of ours, or weights with timm's or
            torchvision's names.

    Raises:
        InputError: no such network or weights, or values that do not go together.

    Example:
        >>> backbone = create_model("efficientnet-b0", features_only=True, out_indices=(2, 3, 4))
        >>> backbone.feature_info.channels(), backbone.feature_info.reduction()
        ([40, 112, 320], [8, 16, 32])
    """
    if out_indices is not None and not features_only:
        raise InputError("out_indices goes with features_only=True")
    weights = _weights_of(network)
    info = None if weights is None else read_model_info(weights)
    architecture = _architecture(network) if info is None else info.architecture
    if pretrained and weights is None and checkpoint_path is None:
        raise InputError(
            "pretrained weights come from a training: give a train run, its best.safetensors, or "
            "checkpoint_path"
        )
    own = info.classes if info else architecture.classes
    model = Model(
        architecture,
        num_classes=own if num_classes is None else num_classes or own,
        in_chans=in_chans,
        drop_rate=drop_rate,
        drop_path_rate=drop_path_rate,
    )
    source = checkpoint_path if checkpoint_path is not None else weights if pretrained else None
    if source is not None:
        info = _load(model, Path(source)) or info
    if num_classes == 0 or global_pool not in (None, "avg"):
        model.reset_classifier(
            model.num_classes if num_classes is None else num_classes, global_pool
        )
    model.pretrained_cfg = pretrained_cfg(architecture, model.num_classes, in_chans, info)
    return FeatureNetwork(model, out_indices) if features_only else model


def _architecture(network: NetworkLike) -> Architecture:
    return as_architecture(network.removeprefix(PREFIX) if isinstance(network, str) else network)


def _weights_of(network: Any) -> Path | None:
    """The model file that a network is given by; None where it is given otherwise."""
    best = getattr(network, "best", None)  # of the answer of a training
    if isinstance(best, Path):
        return best
    folder = getattr(network, "path", None) if getattr(network, "kind", "") == "train" else None
    if folder is not None:
        return _best_of(Path(folder))
    if not isinstance(network, str | os.PathLike):
        return None
    text = os.fspath(network).removeprefix(PREFIX)
    if text.endswith(".safetensors"):
        return Path(text)
    if text.startswith(_HUB):
        return _downloaded(text.removeprefix(_HUB))
    found = (_best_of(parent / text) for parent in (Path(), Path("runs")))
    return next((path for path in found if path is not None), None)


def _best_of(folder: Path) -> Path | None:
    paths = (folder / "checkpoints" / "best.safetensors", folder / "model.safetensors")
    return next((path for path in paths if os.path.isfile(path)), None)


def _downloaded(repository: str) -> Path:
    """The weights of a model of the Hub, which `effsearch export --to` has put there."""
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise MissingResourceError(
            "the Hub needs the package huggingface_hub: pip install 'effsearch[hf]'"
        ) from None
    try:
        return Path(hf_hub_download(repository, "model.safetensors"))
    except Exception as error:  # requests, httpx and the Hub all raise their own
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MissingResourceError(f"'hf:{repository}' cannot be fetched: {text}") from error


def _load(model: Model, path: Path) -> ModelInfo | None:
    state, info = read_weights(path)
    first = next((name for name in _STEMS if name in state), None)
    if model.in_chans != 3 and first is not None:
        state = {**state, first: _stem_for(state[first], model.in_chans)}
    transfer_weights(model, state, info, path)
    return info


def _stem_for(weight: Tensor, channels: int) -> Tensor:
    """Weights of a stem for three channels, for another number: their sum stays the same."""
    if channels == 1:
        return weight.sum(1, keepdim=True)
    repeats = -(-channels // weight.shape[1])
    return weight.repeat(1, repeats, 1, 1)[:, :channels] * (weight.shape[1] / channels)


def pretrained_cfg(
    architecture: Architecture, classes: int, channels: int, info: ModelInfo | None
) -> dict[str, Any]:
    """How images are prepared, with timm's words; ImageNet's where nothing was trained."""
    side = info.resolution if info else architecture.resolution
    named: Mapping[str, Any] = {} if info is None else {"label_names": list(info.class_names)}
    return {
        "architecture": f"effsearch_{architecture.id}",
        "num_classes": classes,
        "input_size": (channels, side, side),
        "pool_size": None,
        "crop_pct": info.crop_ratio if info else 0.875,
        "interpolation": "bilinear",
        "mean": tuple(level / 255 for level in info.mean) if info else IMAGENET_MEAN,
        "std": tuple(level / 255 for level in info.std) if info else IMAGENET_STD,
        "first_conv": "stem.0" if architecture.stem.kind == "plain" else "stem.0.0",
        "classifier": "classifier",
        **named,
    }
