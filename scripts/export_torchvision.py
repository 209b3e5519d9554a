#!/usr/bin/python3
"""Writes TorchScript models of torchvision's classifiers, with random weights, for trying Placer.

    scripts/export_torchvision.py FOLDER [NAME...]

Needs Debian's python3-torchvision.
"""
import argparse
import pathlib

import torch
import torchvision

# Name -> (constructor arguments, size of images).
MODELS = {
    "resnet18": ({}, 224),
    "resnet50": ({}, 224),
    "inception_v3": ({"init_weights": False}, 299),
    "googlenet": ({"init_weights": False}, 224),
    "densenet121": ({}, 224),
    "mobilenet_v3_large": ({}, 224),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; default: all")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in MODELS]
    if unknown:
        parser.error(f"unknown model {unknown[0]}, expected one of {', '.join(MODELS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or MODELS:
        arguments, size = MODELS[name]
        torch.manual_seed(1)
        model = getattr(torchvision.models, name)(weights=None, **arguments)
        path = options.folder / f"{name}.pt"
        torch.jit.script(model).save(str(path))
        print(f'{path} --inputs "float32[8,3,{size},{size}]"')


if __name__ == "__main__":
    main()
