"""The scene networks, built from torchvision's own classes on the demo network's backbone.

Indices of backbone modules are those of torchvision's `MobileNetV3.features`: 0 is the stem, 1..9 are the blocks of
emoji.yaml's `stage_params`, 10 is the last convolution.
"""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead, _extra_block, _normal_init
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.segmentation.lraspp import LRASPP

from model import read_stages
from scene_preprocess import INPUT_SIZES, MEAN, STD
from scenes import SCENE_LABELS

NUM_CLASSES = len(SCENE_LABELS) + 1  # 0 is the background
LAST_MODULE = 10
STRIDE_8, STRIDE_16 = 6, LAST_MODULE  # the last module of either stride
EXTRA_WIDTHS = (256, 128)  # strides 32 and 64
ANCHOR_SCALES = [0.14, 0.24, 0.4, 0.65, 0.95]
ANCHOR_RATIOS = [[2], [2], [2], [2]]
NORM = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.03)
SCORE_THRESHOLD, NMS_THRESHOLD, CANDIDATES, DETECTIONS = 0.05, 0.55, 300, 100


def build_mobilenet(stage_params, hidden=256, num_classes=64):
    """torchvision's MobileNetV3 for `stage_params`."""
    rows = [InvertedResidualConfig(spec.in_channels, spec.kernel, spec.expanded_channels, spec.out_channels,
                                   spec.use_se, "HS" if spec.act_type == "hard_swish" else "RE", spec.stride, 1, 1.0)
            for stage in read_stages(stage_params) for spec in stage]
    return MobileNetV3(rows, hidden, num_classes, dropout=0.0)


def load_classifier(network, tensors):
    """Fill a `build_mobilenet` with the classification demo's tensors, which come in the same order."""
    state = network.state_dict()
    if [list(value.shape) for value in state.values()] != [list(value.shape) for value in tensors.values()]:
        raise ValueError("the classification network's tensors do not fit")
    network.load_state_dict({name: torch.from_numpy(value.astype("f4" if value.dtype.kind == "f" else "i8"))
                             for name, value in zip(state, tensors.values())})
    return network


class SceneBackbone(nn.Module):
    """Backbone modules 0..10 and SSDLite's extra blocks: [N, 3, H, W] -> maps of strides 8, 16, 32 and 64."""

    def __init__(self, features):
        super().__init__()
        for index, module in enumerate(features):
            self.add_module(str(index), module)
        widths = (features[LAST_MODULE].out_channels, *EXTRA_WIDTHS)
        self.extra = nn.ModuleList(_extra_block(a, b, NORM) for a, b in zip(widths, widths[1:]))
        _normal_init(self.extra)
        self.out_widths = [features[STRIDE_8].out_channels, *widths]

    def forward(self, x):
        maps = []
        for index in range(LAST_MODULE + 1):
            x = getattr(self, str(index))(x)
            if index in (STRIDE_8, STRIDE_16):
                maps.append(x)
        for block in self.extra:
            x = block(x)
            maps.append(x)
        return OrderedDict((str(level), x) for level, x in enumerate(maps))


def build_detector(mobilenet):
    """SSDLite on the features of a `build_mobilenet`."""
    backbone = SceneBackbone(mobilenet.features)
    anchors = DefaultBoxGenerator(ANCHOR_RATIOS, scales=ANCHOR_SCALES)
    head = SSDLiteHead(backbone.out_widths, anchors.num_anchors_per_location(), NUM_CLASSES, NORM)
    size = INPUT_SIZES["detection"]
    return SSD(backbone, anchors, (size, size), NUM_CLASSES, MEAN, STD, head, SCORE_THRESHOLD, NMS_THRESHOLD,
               DETECTIONS, topk_candidates=CANDIDATES)


def build_segmenter(mobilenet):
    """LR-ASPP on the features of a `build_mobilenet`."""
    features = mobilenet.features
    backbone = IntermediateLayerGetter(features, {str(STRIDE_8): "low", str(STRIDE_16): "high"})
    return LRASPP(backbone, features[STRIDE_8].out_channels, features[STRIDE_16].out_channels, NUM_CLASSES)


BUILDERS = {"detection": build_detector, "segmentation": build_segmenter}


def detector_outputs(network, images):
    """(head outputs, anchors [A, 4] in input pixels) of a detector for prepared images [N, 3, H, W]."""
    maps = list(network.backbone(images).values())
    anchors = network.anchor_generator(ImageList(images[:1], [tuple(images.shape[-2:])]), maps)[0]
    return network.head(maps), anchors


def detect(network, images):
    """torchvision's detections (boxes in input pixels, scores, labels) of prepared images [N, 3, H, W]."""
    outputs, anchors = detector_outputs(network, images)
    return network.postprocess_detections(outputs, [anchors] * len(images), [tuple(images.shape[-2:])] * len(images))
