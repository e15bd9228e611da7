"""Networks with timm's manners: `forward_features`, `reset_classifier`, `features_only` …

The layers and the names of their tensors are those of `Network`, so weights fit both.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.features import FeatureInfo, feature_levels
from effsearch.search_spaces.network import Network, initialise

POOLS = ("avg", "max", "")


class Model(Network):
    """A classifier that is taken apart and put together as timm's are.

    Args:
        architecture: what to build.
        num_classes: outputs; 0 for the pooled features themselves.
        in_chans: channels of the images.
        drop_rate: dropout in front of the classifier.
        drop_path_rate: stochastic depth of the last block; rises from 0.
        global_pool: `avg`, `max`, or empty for feature maps that are not pooled.

    Attributes:
        num_classes: outputs.
        num_features: channels that enter the classifier; `head_hidden_size` is another name.
        feature_info: the feature maps by size; see `FeatureInfo`.
        pretrained_cfg: how images are to be prepared, with timm's words.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        num_classes: int,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        global_pool: str = "avg",
    ) -> None:
        super().__init__(
            architecture,
            classes=max(1, num_classes),
            in_channels=in_chans,
            dropout=drop_rate,
            drop_path=drop_path_rate,
            norm_momentum=0.1,
        )
        if not next(self.parameters()).is_meta:  # where only shapes are asked for
            self.apply(initialise)
        self.num_features = self.head_hidden_size = architecture.features
        self.drop_rate, self.in_chans = drop_rate, in_chans
        self.grad_checkpointing = False
        levels = feature_levels(architecture)
        self.feature_info = FeatureInfo(levels, range(len(levels)))
        self.pretrained_cfg: dict[str, Any] = {}
        self.num_classes, self.global_pool = num_classes, global_pool
        self.reset_classifier(num_classes, global_pool)

    @property
    def default_cfg(self) -> dict[str, Any]:
        """What `pretrained_cfg` was called before."""
        return self.pretrained_cfg

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """A new classifier, with new weights; none where the classes are 0.

        Args:
            num_classes: outputs.
            global_pool: `avg`, `max` or empty; None leaves it as it is.

        Raises:
            InputError: fewer than 0 classes, another pooling, or a classifier on maps that are
                not pooled.
        """
        if num_classes < 0:
            raise InputError(f"num_classes must be 0 or more, not {num_classes}")
        pool = self.global_pool if global_pool is None else global_pool
        if pool not in POOLS:
            raise InputError(f"global_pool must be avg, max or empty, not '{pool}'")
        if not pool and num_classes:
            raise InputError(
                "a classifier needs pooled features: give num_classes=0 with global_pool=''"
            )
        self.global_pool, self.num_classes = pool, num_classes
        if not num_classes:
            self.classifier = nn.Identity()  # type: ignore[assignment]
            return
        weight = next(self.stem.parameters())
        made = nn.Linear(self.num_features, num_classes)
        if not weight.is_meta:
            initialise(made)
        self.classifier = made.to(device=weight.device, dtype=weight.dtype)

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.classifier

    def forward_features(self, x: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) to the last feature map, (N, C, H / strides, W / strides)."""
        return self.features(x)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The last feature map to logits (N, num_classes).

        Args:
            pre_logits: the features (N, num_features) that the classifier is given, instead.
        """
        if self.architecture.head.pooled:  # the convolution of the head lies behind the pooling
            if not self.global_pool:
                return x
            x = self.head(self._pooled(x))
        elif self.global_pool:
            x = self._pooled(x)
        if not self.global_pool:
            return x
        x = self.dropout(x.flatten(1))
        if pre_logits:
            return x
        logits: Tensor = self.classifier(x)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Images to logits."""
        return self.forward_head(self.forward_features(x))

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute a block again in the backward pass instead of keeping what it made."""
        self.grad_checkpointing = enable

    def features(self, images: Tensor) -> Tensor:
        """As `forward_features`."""
        x = self.stem(images)
        for block in self.blocks:
            x = self._run(block, x)
        features: Tensor = x if self.architecture.head.pooled else self.head(x)
        return features

    def maps(self, x: Tensor, places: Sequence[int]) -> list[Tensor]:
        """The feature maps at the places of some levels (`Level.place`), in their order."""
        found: dict[int, Tensor] = {}
        pool = self.stem[-1] if self.architecture.stem.pool else None
        for layer in self.stem:
            if layer is pool:
                found[0] = x
            x = layer(x)
        found[1 if pool is not None else 0] = x
        for index, block in enumerate(self.blocks.children()):
            if index + 2 > max(places):
                break
            x = self._run(block, x)
            if index + 2 in places:
                found[index + 2] = x
        return [found[place] for place in places]

    def _run(self, block: nn.Module, x: Tensor) -> Tensor:
        if self.grad_checkpointing and self.training and torch.is_grad_enabled():
            from torch.utils.checkpoint import checkpoint

            again: Tensor = checkpoint(block, x, use_reentrant=False)
            return again
        result: Tensor = block(x)
        return result

    def _pooled(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True) if self.global_pool == "avg" else x.amax((2, 3), True)


class FeatureNetwork(nn.Module):
    """A network without its head: images to a list of feature maps, largest first.

    Args:
        model: whose layers are taken; what lies behind the last map is dropped.
        out_indices: which maps (see `feature_levels`); all of them where none are said.

    Attributes:
        feature_info: of the maps; `channels()` and `reduction()` are of those that are given.

    Raises:
        InputError: an index that there is not.
    """

    def __init__(self, model: Model, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        levels = feature_levels(model.architecture)
        wanted = range(len(levels)) if out_indices is None else out_indices
        if not len(wanted):
            raise InputError("out_indices is empty: name one map at least")
        self.feature_info = FeatureInfo(levels, wanted)
        self._places = [level.place for level in self.feature_info.chosen]
        kept = max(0, self._places[-1] - 1)
        model.blocks = nn.Sequential(*list(model.blocks.children())[:kept])
        model.head = nn.Identity()
        model.classifier = nn.Identity()  # type: ignore[assignment]
        self.model = model
        self.pretrained_cfg = model.pretrained_cfg

    @property
    def architecture(self) -> Architecture:
        """Of the whole network."""
        return self.model.architecture

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_chans, H, W) to maps (N, channels, H / reduction, W / reduction), rounded up."""
        return self.model.maps(x, self._places)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """As of `Model`."""
        self.model.set_grad_checkpointing(enable)
