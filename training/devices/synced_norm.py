"""Batch normalization and gradients that are those of all workers' images together.

torch's own `SyncBatchNorm` computes on CUDA devices alone; this one needs nothing but sums over
workers, so that two gloo workers on a CPU train as one with the whole batch.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.parallel import DistributedDataParallel

from effsearch.training.devices.team import Team


def synchronise_norms(network: nn.Module, team: Team, device: torch.device) -> nn.Module:
    """The network with every batch normalization synchronised over the team.

    Tensors keep their names; a team of one keeps its network as it is.
    """
    if team.size == 1:
        return network
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(  # type: ignore[no-untyped-call]
            network
        )
        return converted
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(module, name, SyncedBatchNorm2d.like(child))
    return network


def share_gradients(network: nn.Module, team: Team, device: torch.device) -> nn.Module:
    """The network with gradients averaged over the team in every backward pass."""
    if team.size == 1:
        return network
    return DistributedDataParallel(
        network,
        device_ids=[device] if device.type == "cuda" else None,
        # Statistics are synchronised already, and so the same everywhere.
        broadcast_buffers=False,
        gradient_as_bucket_view=True,
    )


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalization by the images of all workers; each must bring as many as the others."""

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> "SyncedBatchNorm2d":
        """One with the options, and the very tensors, of an affine one with running statistics."""
        synced = cls(norm.num_features, norm.eps, norm.momentum)
        synced.weight, synced.bias = norm.weight, norm.bias
        synced.running_mean, synced.running_var = norm.running_mean, norm.running_var
        synced.num_batches_tracked = norm.num_batches_tracked
        return synced.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        normalised, mean, variance, count = _Normalise.apply(x, self.eps)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        shape = (1, -1, 1, 1)
        result: Tensor = normalised * self.weight.view(shape) + self.bias.view(shape)
        return result


class _Normalise(torch.autograd.Function):
    """(N, C, H, W) to mean 0 and deviation 1 per channel over all workers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, int]:
        workers = dist.get_world_size()
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        # Means of means and of variances, not sums of squares, which lose digits.
        own = torch.stack(tuple(reversed(torch.var_mean(values, (0, 2, 3), correction=0))))
        everyone = [torch.empty_like(own) for _ in range(workers)]
        dist.all_gather(everyone, own)  # (mean, variance) of each worker, each (2, C)
        means, variances = torch.stack(everyone).unbind(1)  # (workers, C)
        mean = means.mean(0)
        variance = variances.mean(0) + means.var(0, correction=0)
        scale = (variance + eps).rsqrt()
        shape = (1, -1, 1, 1)
        normalised = (values - mean.view(shape)) * scale.view(shape)
        ctx.save_for_backward(normalised, scale)
        ctx.mark_non_differentiable(mean, variance)
        return normalised.to(x.dtype), mean, variance, workers * x.numel() // x.shape[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *unused: None) -> tuple[Tensor, None]:
        normalised, scale = ctx.saved_tensors
        wanted = gradient.to(normalised.dtype)
        # Their means over all workers' pixels, each (C,).
        means = torch.stack([wanted.mean((0, 2, 3)), (wanted * normalised).mean((0, 2, 3))])
        dist.all_reduce(means)
        means /= dist.get_world_size()
        shape = (1, -1, 1, 1)
        centred = wanted - means[0].view(shape) - normalised * means[1].view(shape)
        return (centred * scale.view(shape)).to(gradient.dtype), None
