"""Whether the GPUs that were asked for are here, said before anything is loaded."""

from typing import Literal

from effsearch.search_spaces.errors import MissingResourceError


def check_gpus(
    gpus_per_trial: float | Literal["auto"] | None, device: str, ray_address: str | None
) -> None:
    """Look at this machine; a cluster is asked once it is joined.

    Args:
        gpus_per_trial: `auto` needs at least one.

    Raises:
        MissingResourceError: there are fewer GPUs here than one trial wants.
    """
    if gpus_per_trial == "auto":
        gpus_per_trial = 1.0
    wanted = gpus_per_trial or float(device.startswith("cuda"))
    if not wanted or ray_address:
        return
    import torch

    if torch.cuda.device_count() < wanted:
        raise MissingResourceError(
            f"GPUs were asked for but this machine has {torch.cuda.device_count()}: leave "
            "--gpus-per-trial and --device out to train on the CPU, or give --ray-address"
        )
