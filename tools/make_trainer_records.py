"""Makes records of NetsPresso Trainer's modules: tensor names with shapes, and outputs.

Usage: make_trainer_records.py TRAINER FOLDER   (Debian's python3-torch and python3-torchvision; TRAINER holds the source
of netspresso_trainer 1.4; FOLDER is tests/reference_data/netspresso_parts)

Every FOLDER/NAME.yaml, a model file in the trainer's own form, is built by the trainer's code and yields NAME.tsv (name,
shape, type of each tensor of the state dict) and NAME.safetensors (outputs of a float64 run). Weights and input follow the
formula that nn/weights/synthetic.h documents.
"""
import argparse
import importlib
import math
import pathlib
import sys
import types

import numpy as np
import torch
import yaml

from reference_formula import uniform, value, write_safetensors

GAIN = 4.0
INPUT_SHAPE = (1, 3, 64, 64)
PACKAGES = ["", ".utils", ".models", ".models.backbones", ".models.backbones.experimental", ".models.necks",
            ".models.necks.experimental", ".models.heads", ".models.heads.classification", ".models.heads.detection",
            ".models.heads.segmentation", ".models.op"]
MODULES = {
    "mobilenetv3": "backbones.experimental.mobilenetv3", "mobilenetv4": "backbones.experimental.mobilenetv4",
    "fpn": "necks.experimental.fpn", "fc": "heads.classification.core.fc", "fc_conv": "heads.classification.core.fc",
    "anchor_decoupled_head": "heads.detection.experimental.anchor_decoupled_head",
    "all_mlp_decoder": "heads.segmentation.experimental.all_mlp_decoder",
}


class Settings(dict):
    """Stands in for omegaconf's DictConfig: keys are attributes."""

    __getattr__ = dict.__getitem__


def settings(node):
    if isinstance(node, dict):
        return Settings({key: settings(item) for key, item in node.items()})
    return [settings(item) for item in node] if isinstance(node, list) else node


def open_trainer(source: pathlib.Path) -> None:
    """Makes the trainer's modules importable one by one, without what its packages import beside them."""
    for name in PACKAGES:
        package = types.ModuleType("netspresso_trainer" + name)
        package.__path__ = [str(source.joinpath("netspresso_trainer", *name.split(".")))]
        sys.modules[package.__name__] = package
    others = {"omegaconf": {"DictConfig": Settings, "ListConfig": list}, "loguru": {"logger": None},
              "netspresso_trainer.utils.checkpoint": {"load_checkpoint": None}}
    for name, members in others.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)


def part(name: str):
    return getattr(importlib.import_module("netspresso_trainer.models." + MODULES[name]), name)


class Network(torch.nn.Module):
    """The trainer's TaskModel: backbone, neck and head under these names."""

    def __init__(self, model: Settings):
        super().__init__()
        parts = model.architecture
        self.backbone = part(parts.backbone.name)(task=model.task, conf_model_backbone=parts.backbone)
        dims = self.backbone.intermediate_features_dim
        self.neck = None
        if parts.get("neck"):
            self.neck = part(parts.neck.name)(intermediate_features_dim=dims, conf_model_neck=parts.neck)
            dims = self.neck.intermediate_features_dim
        source = {"feature_dim": self.backbone.feature_dim} if model.task == "classification" else {"intermediate_features_dim": dims}
        self.head = part(parts.head.name)(num_classes=model.num_classes, conf_model_head=parts.head, **source)

    def forward(self, image):
        features = self.backbone(image)
        if "last_feature" in features:
            return {"logits": self.head(features["last_feature"])["pred"]}
        levels = features["intermediate_features"]
        if self.neck is not None:
            levels = self.neck(levels)["intermediate_features"]
        found = self.head(levels)
        if "pred" in found:
            return {"logits": found["pred"]}
        return {f"{key}.{i}": level for key in ("cls_logits", "bbox_regression") for i, level in enumerate(found[key])}


def let_pooled_queries_through(model: torch.nn.Module) -> None:
    """Mends the trainer's forward pass, which reshapes what a pooled query yields to the size before the pooling."""
    attention_class = importlib.import_module("netspresso_trainer.models.op.base_metaformer").MultiQueryAttention2D
    for module in model.modules():
        if isinstance(module, attention_class):
            module.forward = types.MethodType(pooled_attention, module)


def pooled_attention(self, states, *_):
    query, key, value = self.query(states), self.key(states), self.value(states)
    heads = self.transpose_for_scores(query, self.num_attention_heads)
    scores = heads @ self.transpose_for_scores(key, 1).transpose(-1, -2) / self.attention_scale
    context = (scores.softmax(-1) @ self.transpose_for_scores(value, 1)).permute(0, 1, 3, 2)
    return self.linear(context.reshape(states.shape[0], self.attention_hidden_size, *query.shape[2:]))


def record(file: pathlib.Path) -> None:
    model = Network(settings(yaml.safe_load(file.read_text()))["model"]).eval()
    rows = []
    for name, tensor in model.state_dict().items():
        if tensor.dtype == torch.float32:
            tensor.copy_(torch.from_numpy(value(name, tuple(tensor.shape), GAIN)))
        kind = "F32" if tensor.dtype == torch.float32 else "I64"
        rows.append(f"{name}\t{'x'.join(map(str, tensor.shape)) or 'scalar'}\t{kind}")
    file.with_suffix(".tsv").write_text("\n".join(["name\tshape\tdtype", *rows]) + "\n")
    image = 2 * (2 * torch.from_numpy(uniform("input", math.prod(INPUT_SHAPE))) - 1)
    if "query_stride_2" in file.stem:
        let_pooled_queries_through(model)
    with torch.no_grad():
        outputs = model.double()(image.reshape(INPUT_SHAPE).double())
    arrays = {name: output.numpy().astype(np.float32) for name, output in outputs.items()}
    write_safetensors(file.with_suffix(".safetensors"), arrays, {"gain": str(GAIN)})
    print(file.stem, {name: tuple(output.shape) for name, output in outputs.items()})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    open_trainer(arguments.trainer)
    for file in sorted(arguments.folder.glob("*.yaml")):
        record(file)


if __name__ == "__main__":
    main()
