"""What timm and torchvision call the layers of ResNet and its kin, and of RegNet."""

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.operations.layer import Convolution, SqueezeExcite
from effsearch.training.models.block_places import Library, places, stem_names


def regnet_names(architecture: Architecture, library: Library) -> dict[str, str]:
    placed = list(places(architecture))
    squeezed = {place.block.squeeze for place in placed if place.block.se_channels}
    skips = {place.block.shortcut for place in placed} <= {"identity", "projection"}
    bottlenecks = all(place.block.op == "bottleneck" for place in placed)
    four = placed[-1].stage == 3 and not architecture.head.channels
    deep = architecture.stem.kind != "plain"
    if deep or not four or not bottlenecks or not skips or squeezed - {"efficientnet"}:
        raise InputError(
            f"{library} has no RegNet like this one: its names are for four stages of bottlenecks "
            "behind a stem without pooling, squeeze-excite between their convolutions, and no last "
            "convolution"
        )
    timm = library == "timm"
    leaf = {"conv": "conv", "norm": "bn"} if timm else {"conv": "0", "norm": "1"}
    names = stem_names(architecture, (f"stem.{leaf['conv']}", f"stem.{leaf['norm']}"))
    inner = {"conv1": "f.a", "conv2": "f.b", "conv3": "f.c"}
    for place in placed:
        stage, layer = place.stage + 1, place.layer
        prefix = f"trunk_output.block{stage}.block{stage}-{layer}"
        if timm:
            prefix = f"s{stage}.b{layer + 1}"
        for made, (first, second) in place.layers:
            if isinstance(made, SqueezeExcite):
                squeeze = f"{prefix}.se" if timm else f"{prefix}.f.se"
                names |= {first: f"{squeeze}.fc1", second: f"{squeeze}.fc2"}
            elif isinstance(made, Convolution):
                conv = made.names[0] if timm else inner[made.names[0]]
                names |= {first: f"{prefix}.{conv}.{leaf['conv']}"}
                names |= {second: f"{prefix}.{conv}.{leaf['norm']}"}
        if place.block.shortcut == "projection":
            ours, theirs = f"blocks.{place.index}.shortcut", "downsample" if timm else "proj"
            names |= {f"{ours}.0": f"{prefix}.{theirs}.{leaf['conv']}"}
            names |= {f"{ours}.1": f"{prefix}.{theirs}.{leaf['norm']}"}
    return names | {"classifier": "head.fc" if timm else "fc"}


def resnet_names(architecture: Architecture, library: Library) -> dict[str, str]:
    """ResNet is called the same in timm and torchvision, which has no deep stems."""
    plain = architecture.stem.pool and not architecture.head.channels
    plain = plain and (library == "timm" or architecture.stem.kind == "plain")
    placed = list(places(architecture))
    squeezed = any(place.block.se_channels and place.block.squeeze != "senet" for place in placed)
    squeezed = squeezed or (library == "torchvision" and any(p.block.se_channels for p in placed))
    skips = {place.block.shortcut for place in placed} <= {"identity", "projection"}
    if not plain or squeezed or not skips or placed[-1].stage != 3:
        raise InputError(
            f"{library} has no ResNet like this one: its names are for four stages of plain "
            "blocks behind a pooled stem, without a last convolution"
        )
    names = stem_names(architecture, ("conv1", "bn1"))
    for place in placed:
        prefix = f"layer{place.stage + 1}.{place.layer}"
        names |= place.named(prefix)
        if place.block.shortcut == "projection":
            shortcut = f"blocks.{place.index}.shortcut"
            names |= {f"{shortcut}.{part}": f"{prefix}.downsample.{part}" for part in (0, 1)}
    return names | {"classifier": "fc"}
