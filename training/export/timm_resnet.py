"""The lines of Python that make timm's ResNet of stages that timm has not ready."""

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.parts import Stem

_BLOCKS = {"basic": ("BasicBlock", 1.0), "bottleneck": ("Bottleneck", 0.25)}
_PLAIN_STEM = Stem(channels=64, kernel=7, pool=True)


def resnet_lines(architecture: Architecture, classes: int) -> list[str]:
    """The lines; none where timm's class does not make this network.

    It makes four stages of one kind of block, the last three with a stride of 2, behind a pooled
    stem: the usual one of 64 channels, or a deep one.
    """
    block, expand = _BLOCKS.get(architecture.stages[0].op, ("", 0.0))
    if not block or not _is_timm_s(architecture, expand):
        return []
    planes = [int(stage.channels * expand) for stage in architecture.stages]
    layers = [stage.layers for stage in architecture.stages]
    stem = architecture.stem
    deep = [f"    stem_type={stem.kind!r},", f"    stem_width={stem.channels // 2},"]
    first = "network.conv1" if stem.kind == "plain" else "network.conv1[0]"
    return [
        "from functools import partial",
        f"from timm.models.resnet import {block}, ResNet",
        "from torch import nn",
        "",
        "network = ResNet(",
        f"    {block}, {tuple(layers)}, channels={tuple(planes)},",
        f"    num_classes={classes},",
        *(deep if stem.kind != "plain" else []),
        f"    norm_layer=partial(nn.BatchNorm2d, eps={architecture.norm_eps:g}),",
        ")",
        *([f"{first}.stride = ({stem.stride}, {stem.stride})"] if stem.stride != 2 else []),
    ]


def _is_timm_s(architecture: Architecture, expand: float) -> bool:
    stem, head = architecture.stem, architecture.head
    plain = architecture.activation == "relu" and not head.channels
    plain = plain and architecture.norm == "batch" and architecture.padding == "symmetric"
    usual = (stem.channels, stem.kernel) == (_PLAIN_STEM.channels, _PLAIN_STEM.kernel)
    if stem.kind != "plain":
        usual = stem.kernel == 3
    kinds = {
        (stage.op, stage.kernel, stage.expand, stage.se, stage.skip, stage.group_size)
        for stage in architecture.stages
    }
    own = any(stage.activation or stage.joined for stage in architecture.stages)
    strides = [stage.stride for stage in architecture.stages]
    op = architecture.stages[0].op
    return (
        plain
        and usual
        and stem.pool
        and not own
        and kinds == {(op, 3, expand, 0.0, "identity", 0)}
        and strides == [1, 2, 2, 2]
        and all(stage.channels * expand % 1 == 0 for stage in architecture.stages)
    )
