"""The same count by fvcore, on the built network: the outside check of the closed form."""

from effsearch.search_spaces.architecture import Architecture


def fvcore_macs(architecture: Architecture, resolution: int | None = None) -> int:
    """Multiply-adds of convolutions and linear layers as fvcore traces them; takes 0.2 s.

    fvcore's own total counts normalization and pooling too, so only `conv` and `linear` are added.
    """
    import warnings

    import torch

    from effsearch.search_spaces.network import build_network

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore still traces with torch.jit
        from fvcore.nn import FlopCountAnalysis

        size = resolution or architecture.resolution
        image = torch.zeros(1, architecture.in_channels, size, size)
        counter = FlopCountAnalysis(build_network(architecture).eval(), image)
        counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = counter.by_operator()
    return int(by_operator["conv"] + by_operator["linear"])
