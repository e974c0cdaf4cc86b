"""MobileNetV3 from a NetsPresso Trainer configuration (`stage_params` plus an `fc` head).

The module tree is laid out so that the state dictionary has NetsPresso Trainer's names, for example
`backbone.stages.1.0.block.2.block.conv.weight`. `check_model.py` compares it with the reference records.
Shapes are [N, C, H, W].
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import nn

BATCH_NORM_EPS = 1e-3  # MobileNetV3's own value; PyTorch's default is 1e-5
BATCH_NORM_MOMENTUM = 0.01  # torchvision's value: statistics over many small steps
SE_REDUCTION = 4
LAST_CONV_RATIO = 6

ACTIVATIONS = {"relu": nn.ReLU, "hard_swish": nn.Hardswish}


@dataclass
class BlockSpec:
    """One row of `stage_params`: an inverted residual block."""

    in_channels: int
    kernel: int
    expanded_channels: int
    out_channels: int
    use_se: bool
    act_type: str
    stride: int


COLUMNS = ("in_channels", "kernel_sizes", "expanded_channels", "out_channels", "use_se", "act_type", "stride")


def load_config(path):
    """Return the YAML file at `path` as a dictionary."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def read_stages(stage_params):
    """Turn the columns of `stage_params` into one list of `BlockSpec` per stage."""
    stages = []
    for index, stage in enumerate(stage_params):
        columns = [stage[name] for name in COLUMNS]
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"stage_params[{index}]: the lists differ in length")
        stages.append([BlockSpec(*row) for row in zip(*columns)])
    return stages


def make_divisible(value, divisor=8):
    """Round `value` to a multiple of `divisor`, never more than 10 % down."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ConvLayer(nn.Module):
    """Convolution without bias, batch norm and an optional activation."""

    def __init__(self, in_channels, out_channels, kernel, stride=1, groups=1, act_type=None):
        super().__init__()
        self.block = nn.Sequential()
        self.block.add_module("conv", nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2,
                                                groups=groups, bias=False))
        self.block.add_module("norm", nn.BatchNorm2d(out_channels, BATCH_NORM_EPS, BATCH_NORM_MOMENTUM))
        if act_type is not None:
            self.block.add_module("act", ACTIVATIONS[act_type.lower()]())

    def forward(self, x):
        return self.block(x)


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the channel means: [N, C, H, W] -> [N, C, H, W]."""

    def __init__(self, channels):
        super().__init__()
        squeezed = make_divisible(channels / SE_REDUCTION)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        gate = x.mean((2, 3), keepdim=True)
        gate = self.fc2(nn.functional.relu(self.fc1(gate)))
        return x * nn.functional.hardsigmoid(gate)


class InvertedResidual(nn.Module):
    """Expand (left out where it would not widen), depthwise, squeeze-excite, project, skip."""

    def __init__(self, spec):
        super().__init__()
        layers = []
        if spec.expanded_channels != spec.in_channels:
            layers.append(ConvLayer(spec.in_channels, spec.expanded_channels, 1, act_type=spec.act_type))
        layers.append(ConvLayer(spec.expanded_channels, spec.expanded_channels, spec.kernel, spec.stride,
                                groups=spec.expanded_channels, act_type=spec.act_type))
        if spec.use_se:
            layers.append(SqueezeExcite(spec.expanded_channels))
        layers.append(ConvLayer(spec.expanded_channels, spec.out_channels, 1))
        self.block = nn.Sequential(*layers)
        self.has_skip = spec.stride == 1 and spec.in_channels == spec.out_channels

    def forward(self, x):
        y = self.block(x)
        return x + y if self.has_skip else y


class MobileNetV3(nn.Module):
    """[N, 3, H, W] -> [N, 6 * last out_channels, H / total stride, W / total stride]."""

    def __init__(self, stages):
        super().__init__()
        self.conv_first = ConvLayer(3, stages[0][0].in_channels, 3, 2, act_type="hard_swish")
        blocks = [[InvertedResidual(spec) for spec in stage] for stage in stages]
        last_out = stages[-1][-1].out_channels
        self.out_channels = LAST_CONV_RATIO * last_out
        blocks[-1].append(ConvLayer(last_out, self.out_channels, 1, act_type="hard_swish"))
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in blocks)

    def forward(self, x):
        x = self.conv_first(x)
        for stage in self.stages:
            x = stage(x)
        return x


class FcHead(nn.Module):
    """Global average pool and two linear layers: [N, C, H, W] -> [N, num_classes]."""

    def __init__(self, in_channels, num_classes, params):
        super().__init__()
        if params["num_layers"] != 2:
            raise ValueError("head.params.num_layers: only 2 is supported here")
        hidden = params["intermediate_channels"]
        self.classifier = nn.Sequential(
            nn.Linear(in_channels, hidden),
            ACTIVATIONS[params["act_type"].lower()](),
            nn.Dropout(params["dropout_prob"]),
            nn.Linear(hidden, num_classes))

    def forward(self, x):
        return self.classifier(x.mean((2, 3)))


class Classifier(nn.Module):
    """Backbone and head as one module: [N, 3, H, W] -> logits [N, num_classes]."""

    def __init__(self, stages, num_classes, head_params):
        super().__init__()
        self.backbone = MobileNetV3(stages)
        self.head = FcHead(self.backbone.out_channels, num_classes, head_params)

    def forward(self, x):
        return self.head(self.backbone(x))


def build_classifier(config):
    """Build the network that a whole YAML configuration describes."""
    model = config["model"]
    architecture = model["architecture"]
    stages = read_stages(architecture["backbone"]["stage_params"])
    return Classifier(stages, model["num_classes"], architecture["head"]["params"])


def count_parameters(module):
    """Number of trainable parameters (running statistics excluded)."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(module, size):
    """Multiply-accumulates of all convolutions and linear layers for one [1, 3, size, size] input."""
    total = 0

    def add(layer, _inputs, output):
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel() if output.dim() == 4 else layer.weight.numel()

    hooks = [layer.register_forward_hook(add) for layer in module.modules()
             if isinstance(layer, (nn.Conv2d, nn.Linear))]
    was_training = module.training
    module.eval()
    with torch.no_grad():
        module(torch.zeros(1, 3, size, size))
    module.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
