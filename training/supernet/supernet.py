"""The supernet: shared tensors, and ordinary networks that are cut from them.

A network is cut as it is asked for: the ordinary builder makes it without memory, and gets copies
of its slices. What it learns is added where the slices came from. So a network that is cut is the
network itself, and keeping it is to keep its weights.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.space import SearchSpace
from effsearch.training.supernet.cutting import Cut, cuts, trained_tensors
from effsearch.training.supernet.sharing import Sharing, sharing_of


class Supernet(nn.Module):
    """The shared tensors of a space, by name.

    Args:
        space: whose networks are cut.
        classes: outputs of the networks.
        kernel_transform: a smaller kernel is not the centre of the larger one but a learned linear
            map of it, one a layer and size (once-for-all, arXiv 1908.09791, section 3.3); it
            begins as no change.
        dropout: in front of the classifier, in training.

    Attributes:
        sharing: what is shared, and what stands side by side.
    """

    def __init__(
        self,
        space: SearchSpace,
        classes: int,
        *,
        kernel_transform: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.space = space
        self.classes = classes
        self.kernel_transform = kernel_transform
        self._dropout = dropout
        self.sharing: Sharing = sharing_of(space, classes)
        for name, shape in self.sharing.shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
        if kernel_transform:
            for name, kernels in self.sharing.kernels.items():
                for kernel in kernels[:-1]:
                    # What is added to the centre: zeros change nothing, and weight decay pulls
                    # towards that.
                    change = torch.zeros(kernel**2, kernel**2)
                    self.register_parameter(_transform(name, kernel), nn.Parameter(change))
        self._initialise()

    def aligned(self, architecture: Architecture) -> Architecture:
        """The same network with its stages as the space has them.

        Raises:
            InputError: the space does not hold it.
        """
        return self.space.decode(self.space.encode(architecture))

    def cut(self, architecture: Architecture) -> Network:
        """A network with the weights that the supernet has for it, in training mode.

        Its normalization has no statistics: it takes those of each batch, until
        `effsearch.training.supernet.calibration` gives it some.

        Args:
            architecture: as `SearchSpace.decode` or `aligned` gives it.
        """
        with torch.device("meta"):  # shapes without memory
            network = Network(
                architecture,
                classes=self.classes,
                in_channels=3,
                dropout=self._dropout,
                drop_path=0.0,
                norm_momentum=0.1,
            )
        for module, name, cut in self._tensors(network):
            slice_ = self._slice(cut).detach()
            assert getattr(module, name).shape == slice_.shape  # layers and modules go together
            copied = slice_.clone(memory_format=_layout(slice_))
            setattr(module, name, nn.Parameter(copied))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.track_running_stats = False
                module.running_mean = module.running_var = module.num_batches_tracked = None
        return network

    def take_over(self, network: Network) -> None:
        """Write a network's weights where it was cut from, before any kernel's map is learned."""
        with torch.no_grad():
            for module, name, cut in self._tensors(network):
                _view(self.get_parameter(cut.shared), cut).copy_(getattr(module, name))

    def collect(self, network: Network) -> None:
        """Add the gradients of a network that was cut to those of the tensors it was cut from."""
        whole: list[Tensor] = []
        parts: list[Tensor] = []
        for module, name, cut in self._tensors(network):
            gradient = getattr(module, name).grad
            if gradient is None:
                continue
            if self._is_transformed(cut):
                whole.append(self._slice(cut))
                parts.append(gradient)
                continue
            shared = self.get_parameter(cut.shared)
            if shared.grad is None:
                shared.grad = torch.zeros_like(shared)
            _view(shared.grad, cut).add_(gradient)
        if whole:
            torch.autograd.backward(whole, parts)

    def _tensors(self, network: Network) -> Iterator[tuple[nn.Module, str, Cut]]:
        places = trained_tensors(network)
        for (module, name), cut in zip(
            places, cuts(network.architecture, self.classes), strict=True
        ):
            if cut.shared not in self.sharing.shapes:
                raise InputError(
                    f"space '{self.space.name}' does not hold network {network.architecture.id}, "
                    "so its supernet has no weights for it"
                )
            yield module, name, cut

    def _is_transformed(self, cut: Cut) -> bool:
        kernels = self.sharing.kernels.get(cut.shared, [])
        return self.kernel_transform and bool(kernels) and cut.shape[2] in kernels[:-1]

    def _slice(self, cut: Cut) -> Tensor:
        """The tensor a network has, as a function of the shared ones."""
        centre = _view(self.get_parameter(cut.shared), cut)
        if not self._is_transformed(cut):
            return centre
        kernel = cut.shape[2]
        change = self.get_parameter(_transform(cut.shared, kernel))
        return (centre.flatten(2) @ (torch.eye(kernel**2, device=change.device) + change)).view(
            cut.shape
        )

    def _initialise(self) -> None:
        """As EfficientNet's code does it, each kernel as of the largest network."""
        with torch.no_grad():
            for name, deviation in self.sharing.deviations.items():
                parameter = self.get_parameter(name)
                if deviation is None:
                    parameter.fill_(1.0)
                elif deviation:
                    parameter.normal_(0.0, deviation)
                else:
                    parameter.zero_()


def _transform(name: str, kernel: int) -> str:
    return f"{name}:transform:{kernel}"


def _view(shared: Tensor, cut: Cut) -> Tensor:
    """The first channels of each axis, and the centre of the kernel."""
    found = shared[tuple(slice(0, length) for length in cut.shape[:2])]
    if len(cut.shape) < 4:
        return found
    top, left = ((found.shape[axis] - cut.shape[axis]) // 2 for axis in (2, 3))
    return found[:, :, top : top + cut.shape[2], left : left + cut.shape[3]]


def _layout(tensor: Tensor) -> torch.memory_format:
    return torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
