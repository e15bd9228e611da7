"""The lines of Python that load an exported file, for its model card."""

from typing import TYPE_CHECKING

from effsearch.search_spaces.activations import ACTIVATIONS
from effsearch.search_spaces.notation import format_stage
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.training.models.model_file import ModelInfo, network_name

if TYPE_CHECKING:
    from effsearch.training.export.exported import Export

_TIMM = {f"efficientnet-b{n}": f"efficientnet_b{n}" for n in range(8)} | {
    "efficientnetv2-s": "efficientnetv2_s",
    "mobilenet-v1": "mobilenetv1_100",
    "mobilenet-v2": "mobilenetv2_100",
    "mnasnet-a1": "semnasnet_100",
    "resnet-50": "resnet50",
}
_TORCHVISION = {f"efficientnet-b{n}": f"efficientnet_b{n}" for n in range(8)} | {
    "efficientnetv2-s": "efficientnet_v2_s",
    "mobilenet-v2": "mobilenet_v2",
    "resnet-50": "resnet50",
}


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
    load = [
        "from safetensors.torch import load_file",
        "",
        f"network.load_state_dict(load_file({file}), strict=True)",
        "network.eval()",
    ]
    return [*make, *load] if make else []


def _timm(info: ModelInfo) -> list[str]:
    """timm's own network where it has one, else its EfficientNet of these stages."""
    architecture = info.architecture
    base, _, stride = network_name(architecture).partition(" with stem stride ")
    if base in _TIMM:
        # Its residual networks have the epsilon of the zoo's and no option for another.
        eps = "" if base == "resnet-50" else f", bn_eps={architecture.norm_eps:g}"
        make = f'network = timm.create_model("{_TIMM[base]}", num_classes={info.classes}{eps})'
        return ["import timm", "", make, *_stem_stride(stride, "network.conv_stem")]
    if any("timm" not in OPERATIONS[stage.op].schemes for stage in architecture.stages):
        return []
    stages = ",\n        ".join(f'["{format_stage(stage)}"]' for stage in architecture.stages)
    stem, head = architecture.stem, architecture.head
    own_stride = "" if stem.stride == 2 else str(stem.stride)
    return [
        "from functools import partial",
        "from timm.models.efficientnet import EfficientNet, decode_arch_def",
        "from torch import nn",
        "",
        "network = EfficientNet(",
        f"    decode_arch_def([\n        {stages},\n    ]),",
        f"    num_classes={info.classes},",
        f"    num_features={head.channels},",
        f"    stem_size={stem.channels},",
        f"    stem_kernel_size={stem.kernel},",
        "    fix_stem=True,",
        f"    act_layer=nn.{ACTIVATIONS[architecture.activation].torch},",
        f"    norm_layer=partial(nn.BatchNorm2d, eps={architecture.norm_eps:g}),",
        ")",
        *_stem_stride(own_stride, "network.conv_stem"),
    ]


def _torchvision(info: ModelInfo) -> list[str]:
    architecture = info.architecture
    base, _, stride = network_name(architecture).partition(" with stem stride ")
    if base not in _TORCHVISION:
        return []
    stem = "network.conv1" if base == "resnet-50" else "network.features[0][0]"
    return [
        "from functools import partial",
        "from torch import nn",
        "from torchvision import models",
        "",
        f"network = models.{_TORCHVISION[base]}(",
        f"    num_classes={info.classes},",
        f"    norm_layer=partial(nn.BatchNorm2d, eps={architecture.norm_eps:g}),",
        ")",
        *_stem_stride(stride, stem),
    ]


def _stem_stride(stride: str, stem: str) -> list[str]:
    return [f"{stem}.stride = ({stride}, {stride})"] if stride else []
