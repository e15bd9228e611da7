"""The layers before and behind the blocks."""

from effsearch.search_spaces.operations.layer import Convolution, GlobalPool, Layer, MaxPool
from effsearch.search_spaces.parts import Head, Stem


def stem_layers(stem: Stem, in_channels: int) -> tuple[Layer, ...]:
    """The first convolution, or the three of a deep stem, and the pooling behind them."""
    widths = stem.widths
    # As timm calls them; in a deep stem it counts the modules of a row, activations among them.
    names = [("conv_stem", "bn1")]
    if len(widths) > 1:
        names = [("conv1.0", "conv1.1"), ("conv1.3", "conv1.4"), ("conv1.6", "bn1")]
    convs = tuple(
        Convolution(pair, into, out, stem.kernel, 1 if place else stem.stride)
        for place, (pair, into, out) in enumerate(
            zip(names, (in_channels, *widths), widths, strict=False)
        )
    )
    return (*convs, MaxPool()) if stem.pool else convs


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
