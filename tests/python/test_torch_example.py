"""The example that applies a plan with PyTorch. Optional: it needs torch and torchvision."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest
import torch

EXAMPLE = pathlib.Path(os.environ["PLACER_SOURCE"]) / "examples/python/place_torchvision.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("place_torchvision", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_and_leaves_the_outputs_as_they_are():
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--size", "64", "--samples", "300"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ ops, step \S+ ms, on one device \S+ ms", done.stdout)
    assert re.search(r"/gpu:\d: \d+ modules", done.stdout)
    assert re.search(r"largest difference to the model on one device: \S+", done.stdout)


class Branches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
        self.left, self.right = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

    def forward(self, x):
        x = self.stem(x)
        return self.left(x) + self.right(self.right(x))


def test_ops_are_found_in_their_modules(example):
    model = Branches()
    for op, path in [("/stem/stem.0/Gemm", "stem.0"), ("/left/Gemm", "left"), ("/right_1/Gemm", "right"),
                     ("/Add", ""), ("input", "")]:
        assert example.module_of(op, model) == path


def test_every_module_runs_on_its_device(example):
    """Tensors on the device `meta` hold no data, but an op on tensors of two devices fails there as
    it does on an accelerator: what is not moved shows."""
    kinds = {"": "meta", "stem": "cpu", "stem.0": "cpu", "stem.1": "cpu", "left": "cpu", "right": "meta"}
    model = Branches()
    placed = example.Placed(model, {path: torch.device(kind) for path, kind in kinds.items()})
    ran = {}
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda module, args, output, path=path: ran.update({path: output.device.type}))
    placed(torch.rand(3, 4))
    assert ran == kinds
    with pytest.raises(RuntimeError, match="meta"):  # without the hooks' moves
        model.left(torch.rand(3, 4)) + model.right.weight.sum()
