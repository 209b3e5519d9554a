#!/usr/bin/python3
"""Exports the sample models of graphs/samples from torchvision, as structure only.

    scripts/export_samples.py [FOLDER]           writes the models into FOLDER (default: graphs/samples)
    scripts/export_samples.py [FOLDER] --check   compares instead: exit code 1 if a structure differs

Needs the packages of scripts/sample_packages.txt. Every model is exported in inference mode at batch 8
by PyTorch's own ONNX exporter (opset 13), with random initial weights: nothing is downloaded. Then the
bytes of every initializer of more than 64 elements are left out: its name, type and dims stay, and it
is marked EXTERNAL. Two exports differ only in the values of the small initializers that are left.
"""

import argparse
import io
import math
import os
import pathlib
import sys
import warnings

import onnx
import torch
import torchvision

BATCH = 8
OPSET = 13
MAX_INLINE_ELEMENTS = 64
DATA_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data")
IMAGE_SIZES = {"googlenet": 224, "inception_v3": 299, "mobilenet_v3_large": 224, "resnet50": 224}
# Drawing these initial weights takes a minute, and they are left out of the files anyway. Auxiliary
# classifiers are never exported in inference mode; building them only shifts the numbers in names.
OPTIONS = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"init_weights": False},
}


def make_model(name):
    torch.manual_seed(0)
    return getattr(torchvision.models, name)(weights=None, **OPTIONS.get(name, {})).eval()


def strip(model):
    """Leaves out the bytes of large initializers."""
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > MAX_INLINE_ELEMENTS:
            for field in DATA_FIELDS:
                tensor.ClearField(field)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "weights-not-shipped.bin"
    return model


def export(name):
    size = IMAGE_SIZES[name]
    buffer = io.BytesIO()
    torch.onnx.export(make_model(name), torch.zeros(BATCH, 3, size, size), buffer, opset_version=OPSET)
    return strip(onnx.load_model_from_string(buffer.getvalue()))


def structure(model):
    """The model without the values of its small initializers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        for field in DATA_FIELDS:
            tensor.ClearField(field)
    return copy


def write(model, path):
    """The file appears by rename, so that it is never half there."""
    temporary = path.with_suffix(".onnx.tmp")
    temporary.write_bytes(model.SerializeToString())
    os.replace(temporary, path)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "graphs" / "samples"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=default)
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the exporter warns that inference mode ignores a flag

    different = []
    for name in sorted(IMAGE_SIZES):
        model = export(name)
        path = arguments.folder / f"{name}.onnx"
        if not arguments.check:
            write(model, path)
            print(f"{path}: {len(model.graph.node)} nodes, {path.stat().st_size} bytes")
            continue
        shipped = onnx.load_model(str(path), load_external_data=False)
        same = structure(shipped) == structure(model)
        print(f"{path}: {'same structure' if same else 'DIFFERS'}")
        if not same:
            different.append(name)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
