"""The layers before and behind the blocks."""

from effsearch.search_spaces.architecture import Head, Stem
from effsearch.search_spaces.operations.layer import Convolution, GlobalPool, Layer, MaxPool


def stem_layers(stem: Stem, in_channels: int) -> tuple[Layer, ...]:
    """The first convolution, and the pooling behind it."""
    names = ("conv_stem", "bn1")
    conv = Convolution(names, in_channels, stem.channels, stem.kernel, stem.stride)
    return (conv, MaxPool()) if stem.pool else (conv,)


def head_layers(head: Head, in_channels: int, classes: int) -> tuple[Layer, ...]:
    """The last convolution (none where it has no channels), pooling, and the classifier, which is
    a 1×1 convolution on one pixel."""
    features = head.channels or in_channels
    classifier = Convolution(("classifier", ""), features, classes, active=False, after="bias")
    if not head.channels:
        return (GlobalPool(), classifier)
    if head.pooled:
        names = ("conv_head", "norm_head")
        conv = Convolution(names, in_channels, head.channels, after=head.pooled)
        return (GlobalPool(), conv, classifier)
    return (Convolution(("conv_head", "bn2"), in_channels, head.channels), GlobalPool(), classifier)
