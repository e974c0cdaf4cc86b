"""Makes the reference records of ShuffleNetV2, from torchvision and from NetsPresso Trainer's own module files.

Usage: make_shufflenet_records.py tests/reference_data TRAINER   (Debian's python3-torch and python3-torchvision)

TRAINER is a checkout of github.com/Nota-NetsPresso/netspresso-trainer. Only the files of backbone, neck and head are run,
without the packages that the whole trainer imports.
"""
import argparse
import importlib
import pathlib
import sys
import types

import torch
import torchvision

from reference_records import add_to_manifest, record

GAIN = 3.0


class Options(dict):
    """As an OmegaConf dictionary."""
    __getattr__ = dict.__getitem__


def trainer_modules(checkout: pathlib.Path) -> types.SimpleNamespace:
    """The trainer's modules, with stand-ins for what they import and do not need."""
    models = checkout / "src" / "netspresso_trainer" / "models"
    for name in ("omegaconf", "loguru"):
        module = types.ModuleType(name)
        module.DictConfig = module.ListConfig = module.OmegaConf = module.logger = object
        sys.modules[name] = module
    for package, folder in {
            "trainer": models.parent, "trainer.models": models, "trainer.models.op": models / "op",
            "trainer.models.backbones": models / "backbones",
            "trainer.models.backbones.experimental": models / "backbones" / "experimental",
            "trainer.models.necks": models / "necks", "trainer.models.necks.experimental": models / "necks" / "experimental",
            "trainer.models.heads": models / "heads", "trainer.models.heads.detection": models / "heads" / "detection",
            "trainer.models.heads.detection.experimental": models / "heads" / "detection" / "experimental"}.items():
        module = types.ModuleType(package)
        module.__path__ = [str(folder)]
        sys.modules[package] = module
    utils = types.ModuleType("trainer.models.utils")
    utils.BackboneOutput = utils.AnchorBasedDetectionModelOutput = dict
    sys.modules["trainer.models.utils"] = utils
    at = lambda name: importlib.import_module(f"trainer.models.{name}")
    return types.SimpleNamespace(backbone=at("backbones.experimental.shufflenetv2"), neck=at("necks.experimental.fpn"),
                                 head=at("heads.detection.experimental.anchor_decoupled_head"))


class TrainersDetector(torch.nn.Module):
    """What the trainer builds of configs/netspresso/shufflenetv2-*-detection.yaml."""

    def __init__(self, trainer: types.SimpleNamespace, size: str, num_classes: int) -> None:
        super().__init__()
        self.backbone = trainer.backbone.ShuffleNetV2("detection", Options(model_size=size))
        neck = Options(num_outs=2, start_level=0, end_level=-1, add_extra_convs=False, relu_before_extra_convs=False)
        self.neck = trainer.neck.FPN(self.backbone.intermediate_features_dim, neck)
        head = Options(anchor_sizes=[[64], [128]], aspect_ratios=[0.5, 1.0, 2.0], num_layers=1, norm_type="batch_norm")
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
