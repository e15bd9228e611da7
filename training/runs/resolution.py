"""At which size a network is trained: its own, or less where the images are smaller.

Enlarging images adds cost and no detail, so small ones are not blown up to a network's 224 pixels;
but a larger member of a family still sees larger images than a smaller one.
"""

SMALLEST = 32  # below this, a network with stride 32 has nothing left to look at
REFERENCE = 224  # the resolution of a baseline, to which a member's is related


def training_resolution(own: int, images: int, wanted: int | None) -> int:
    """Pixels to train at.

    Args:
        own: resolution of the architecture.
        images: side of the dataset's images, in pixels.
        wanted: resolution that suits the dataset at φ = 0; None for its own side, 32 or more.

    Returns:
        `own`, or where the images are smaller `wanted` times `own` / 224, but never more than
        `own` and never less than `wanted` (or `own`, where that is the smaller).
    """
    if images >= own:
        return own
    base = wanted or max(SMALLEST, images)
    return min(own, max(base, round(base * own / REFERENCE)))
