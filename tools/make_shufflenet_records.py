"""Makes the reference records of ShuffleNetV2, from torchvision and from NetsPresso Trainer's own module files.

Usage: make_shufflenet_records.py tests/reference_data TRAINER   (Debian's python3-torch and python3-torchvision)

TRAINER holds the source of netspresso_trainer 1.4.
"""
import argparse
import importlib
import pathlib
import types

import torch
import torchvision

from make_trainer_records import Settings, open_trainer
from reference_records import add_to_manifest, record

GAIN = 3.0


def trainer_modules(source: pathlib.Path) -> types.SimpleNamespace:
    open_trainer(source)
    at = lambda name: importlib.import_module(f"netspresso_trainer.models.{name}")
    return types.SimpleNamespace(backbone=at("backbones.experimental.shufflenetv2"), neck=at("necks.experimental.fpn"),
                                 head=at("heads.detection.experimental.anchor_decoupled_head"))


class TrainersDetector(torch.nn.Module):
    """What the trainer builds of configs/netspresso/shufflenetv2-*-detection.yaml."""

    def __init__(self, trainer: types.SimpleNamespace, size: str, num_classes: int) -> None:
        super().__init__()
        self.backbone = trainer.backbone.ShuffleNetV2("detection", Settings(model_size=size))
        neck = Settings(num_outs=2, start_level=0, end_level=-1, add_extra_convs=False, relu_before_extra_convs=False)
        self.neck = trainer.neck.FPN(self.backbone.intermediate_features_dim, neck)
        head = Settings(anchor_sizes=[[64], [128]], aspect_ratios=[0.5, 1.0, 2.0], num_layers=1, norm_type="batch_norm")
        self.head = trainer.head.AnchorDecoupledHead(num_classes, self.neck.intermediate_features_dim, head)

    def forward(self, image: torch.Tensor) -> dict:
        levels = self.neck(self.backbone(image)["intermediate_features"])["intermediate_features"]
        return {"levels": levels, **self.head(levels)}


def detector_outputs(result: dict) -> dict:
    outputs = {f"neck.{i}": level for i, level in enumerate(result["levels"])}
    for name in ("cls_logits", "bbox_regression"):
        outputs.update({f"{name}.{i}": values for i, values in enumerate(result[name])})
    return {**outputs, "anchors": result["anchors"]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("trainer", type=pathlib.Path)
    arguments = parser.parse_args()

    for name in ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0"):
        modules = ("conv1", "maxpool", "stage2", "stage3", "conv5")
        features = {f"feature.{i}": module for i, module in enumerate(modules)}
        model = getattr(torchvision.models, name)().eval()
        add_to_manifest(arguments.folder, record(model, "torchvision", name, GAIN, arguments.folder, features,
                                                 library_version="0.14.1", num_classes=1000))

    trainer = trainer_modules(arguments.trainer)
    for size in ("0.5x", "1.0x"):
        features = {f"feature.{i}": f"backbone.stage{i + 2}" for i in range(3)}
        model = TrainersDetector(trainer, size, 80).eval()
        add_to_manifest(arguments.folder, record(model, "netspresso", f"shufflenetv2-{size}-detection", GAIN,
                                                 arguments.folder, features, library_version="NetsPresso Trainer 1.4.1",
                                                 task="detection", num_classes=80, outputs_of=detector_outputs))


if __name__ == "__main__":
    main()
