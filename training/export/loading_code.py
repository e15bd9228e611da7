"""The lines of Python that load an exported file, for its model card."""

from dataclasses import replace
from typing import TYPE_CHECKING

from effsearch.search_spaces.activations import ACTIVATIONS
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_stage
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.squeeze import Squeeze
from effsearch.search_spaces.stage_blocks import sizes_differ
from effsearch.search_spaces.zoo import zoo_entry, zoo_name
from effsearch.training.export.timm_resnet import resnet_lines
from effsearch.training.models.model_file import ModelInfo, network_name
from effsearch.training.models.weight_names import layer_names

if TYPE_CHECKING:
    from effsearch.training.export.exported import Export


def loading_lines(export: "Export", info: ModelInfo) -> list[str]:
    """The lines; none where the library has no such network ready and no way to describe it."""
    file = repr(export.path.name)
    if export.format == "onnx":
        return [
            "import onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({file})",
            'logits = session.run(["logits"], {"pixels": pixels})[0]',
        ]
    if export.format == "torchscript":
        return ["import torch", "", f"network = torch.jit.load({file})", "logits = network(pixels)"]
    if export.names == "effsearch":
        return ["import effsearch", "", f"network = effsearch.load_model({file})"]
    make = _timm(info) if export.names == "timm" else _torchvision(info)
    if not make:
        return []
    load = [f"network.load_state_dict(load_file({file}), strict=True)"]
    if any("models.mnasnet" in line for line in make):
        # torchvision asks a state dict which version of its MnasNet it is of; a file does not say.
        load = [
            f"state = OrderedDict(load_file({file}))",
            'state._metadata = {"": {"version": 2}}',
            "network.load_state_dict(state, strict=True)",
        ]
    return [*make, "from safetensors.torch import load_file", "", *load, "network.eval()"]


def timm_verdict(info: ModelInfo) -> str:
    """Whether timm can load the network, in a sentence."""
    try:
        layer_names(info.architecture, "timm")
    except InputError as error:
        reason = str(error).removesuffix(": export with this project's own names instead")
        return f"timm cannot load it: {reason}"
    if _timm(info):
        return "timm can load it: export it with --format safetensors --names timm"
    return "timm cannot load it: its names are timm's, but no class of timm builds this network"


def _timm(info: ModelInfo) -> list[str]:
    """timm's own network where it has one, else its ResNet or EfficientNet of these stages."""
    architecture = info.architecture
    base, _, stride = network_name(architecture).partition(" with stem stride ")
    ready = zoo_entry(base).timm if zoo_name(base) else None
    if ready:
        # Its residual networks have the epsilon of the zoo's and no option for another.
        residual = all("resnet" in OPERATIONS[stage.op].schemes for stage in architecture.stages)
        eps = "" if residual else f", bn_eps={architecture.norm_eps:g}"
        make = f'network = timm.create_model("{ready}", num_classes={info.classes}{eps})'
        first = "network.conv_stem"
        if residual:
            first = "network.conv1" if architecture.stem.pool else "network.stem.conv"
        return ["import timm", "", make, *_stem_stride(stride, first)]
    if resnet := resnet_lines(architecture, info.classes):
        return resnet
    third = architecture.head.pooled in ("bias", "norm")
    if not _timm_builds(architecture, "mobilenetv3" if third else "efficientnet"):
        return []
    stages = ",\n        ".join(f"[{strings}]" for strings in _timm_lists(architecture))
    stem, head = architecture.stem, architecture.head
    if third:
        imports = [
            f"from timm.layers import {', '.join([*_norms(architecture), 'make_divisible'])}",
            "from timm.models._efficientnet_blocks import SqueezeExcite",
            "from timm.models._efficientnet_builder import decode_arch_def",
            "from timm.models.mobilenetv3 import MobileNetV3",
        ]
        kernel = []
        own = [
            *(["    head_norm=True,"] if head.pooled == "norm" else []),
            "    se_layer=partial(",
            '        SqueezeExcite, gate_layer="hard_sigmoid", force_act_layer=nn.ReLU,',
            "        rd_round_fn=make_divisible,",
            "    ),",
        ]
    else:
        imports = [
            *[f"from timm.layers import {norm}" for norm in _norms(architecture)],
            "from timm.models.efficientnet import EfficientNet, decode_arch_def",
        ]
        kernel = [f"    stem_kernel_size={stem.kernel},"]
        own = []
    return [
        "from functools import partial",
        *imports,
        "from torch import nn",
        "",
        f"network = {'MobileNetV3' if third else 'EfficientNet'}(",
        f"    decode_arch_def([\n        {stages},\n    ]),",
        f"    num_classes={info.classes},",
        f"    num_features={head.channels},",
        f"    stem_size={stem.channels},",
        *kernel,
        "    fix_stem=True,",
        f"    act_layer=nn.{ACTIVATIONS[architecture.activation].torch},",
        *_style_arguments(architecture),
        *own,
        ")",
        *_stem_stride("" if stem.stride == 2 else str(stem.stride), "network.conv_stem"),
    ]


def _norms(architecture: Architecture) -> list[str]:
    """What timm calls a normalization that is not torch's."""
    if architecture.norm == "batch":
        return []
    return ["LayerNormAct2d" if architecture.norm == "layer" else "GroupNormAct"]


def _style_arguments(architecture: Architecture) -> list[str]:
    """How timm's networks are told to normalize and pad."""
    eps = f"eps={architecture.norm_eps:g}"
    norm = f"nn.BatchNorm2d, {eps}"
    if architecture.norm == "layer":
        norm = f"LayerNormAct2d, {eps}"
    elif architecture.norm != "batch":
        norm = f"GroupNormAct, group_size={architecture.norm.removeprefix('group')}, {eps}"
    padding = ['    pad_type="same",'] if architecture.padding == "same" else []
    return [f"    norm_layer=partial({norm}),", *padding]


def _timm_builds(architecture: Architecture, squeeze: Squeeze) -> bool:
    """Whether timm's network with one kind of squeeze-excite is this one when it reads the stages.

    In one of its lists only the first string may stride, and its MobileNetV3 has a stem of 3×3.
    """
    channels = architecture.stem.channels
    for stage in architecture.stages:
        unusual = (stage.se and stage.squeeze != squeeze) or (stage.joined and stage.stride > 1)
        exact = stage.sizes == "exact" and sizes_differ(stage, channels)
        if unusual or exact or "timm" not in OPERATIONS[stage.op].schemes:
            return False
        channels = stage.channels
    if squeeze == "mobilenetv3":
        return architecture.stem.kernel == 3
    return architecture.head.pooled is None


def _timm_lists(architecture: Architecture) -> list[str]:
    lists: list[list[str]] = []
    for stage in architecture.stages:
        plain = OPERATIONS[stage.op].unexpanded
        if plain and stage.expand == 1:
            stage = replace(stage, op=plain)  # timm has no er without an expansion
        spelled = f'"{format_stage(stage).removeprefix("+")}"'
        if stage.joined and lists:
            lists[-1].append(spelled)
        else:
            lists.append([spelled])
    return [", ".join(strings) for strings in lists]


def _torchvision(info: ModelInfo) -> list[str]:
    architecture = info.architecture
    base, _, stride = network_name(architecture).partition(" with stem stride ")
    ready = zoo_entry(base).torchvision if zoo_name(base) else None
    if not ready:
        return []
    residual = all("resnet" in OPERATIONS[stage.op].schemes for stage in architecture.stages)
    stem = "network.features[0][0]"
    if residual:
        stem = "network.conv1" if architecture.stem.pool else "network.stem[0]"
    if ready.startswith("mnasnet"):  # whose builder takes no normalization
        return [
            "from collections import OrderedDict",
            "from torch import nn",
            "from torchvision import models",
            "",
            f"network = models.{ready}(num_classes={info.classes})",
            "for module in network.modules():",
            "    if isinstance(module, nn.BatchNorm2d):",
            f"        module.eps = {architecture.norm_eps:g}",
            *_stem_stride(stride, "network.layers[0]"),
        ]
    return [
        "from functools import partial",
        "from torch import nn",
        "from torchvision import models",
        "",
        f"network = models.{ready}(",
        f"    num_classes={info.classes},",
        f"    norm_layer=partial(nn.BatchNorm2d, eps={architecture.norm_eps:g}),",
        ")",
        *_stem_stride(stride, stem),
    ]


def _stem_stride(stride: str, stem: str) -> list[str]:
    return [f"{stem}.stride = ({stride}, {stride})"] if stride else []
