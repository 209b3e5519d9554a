"""A device_map applied to the model it was made for. Optional: it needs torch, torchvision and the command.

The CPU stands in for every device: tensors carry the name of the device that they are meant to be on, and an op
whose operands are on two devices fails, as it does on accelerators."""

import json
import os
import subprocess
import warnings

import pytest
import torch
import torchvision
from torch.overrides import TorchFunctionMode

COMMAND = os.environ.get("PLACER_COMMAND", "")
pytestmark = pytest.mark.skipif(not os.path.exists(COMMAND), reason="the placer command is not built")


def run_placer(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return torchvision.models.resnet18(weights=None).eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))


def export_onnx(model, inputs, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, inputs, str(path), training=torch.onnx.TrainingMode.PRESERVE,
                          do_constant_folding=False, opset_version=13)


@pytest.fixture(scope="module")
def device_map(model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("device_map")
    onnx, plan, result = folder / "resnet18.onnx", folder / "plan.txtpb", folder / "map.json"
    export_onnx(model, images, onnx)
    run_placer("optimize", onnx, "--batch", 64, "--cluster", "zoo:k80x2", "--whole-modules",
               "--objective", "max-load", "--samples", 300, "-o", plan)
    run_placer("export", plan, onnx, "--batch", 64, "--format", "device_map", "-o", result)
    content = json.loads(result.read_text())
    assert content["conflicts"] == []
    return content["device_map"]


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.pos_embedding = torch.nn.Parameter(torch.zeros(1, 5, 8))
        self.layers = torch.nn.Sequential(*[torch.nn.Linear(8, 8) for _ in range(4)])

    def forward(self, tokens):
        return self.layers(tokens + self.pos_embedding)


class Transformer(torch.nn.Module):
    """Parameters of the model itself, and of a module that holds others, as vision transformers have them."""

    def __init__(self):
        super().__init__()
        self.class_token = torch.nn.Parameter(torch.zeros(1, 1, 8))
        self.patches = torch.nn.Conv2d(3, 8, kernel_size=4, stride=4)
        self.encoder = Encoder()
        self.head = torch.nn.Linear(8, 3)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return self.head(self.encoder(tokens)[:, 0])


def entries_of(name, device_map):
    """The entries that a parameter or buffer falls under, as accelerate's check_device_map reads them."""
    return [path for path in device_map if path in ("", name) or name.startswith(path + ".")]


class Tagged(TorchFunctionMode):
    """Keeps the names of devices on tensors and refuses ops on tensors of two devices."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        devices = {value.placed for value in [*args, *(kwargs or {}).values()] if hasattr(value, "placed")}
        if len(devices) > 1:
            raise RuntimeError(f"{function.__name__} on tensors of {sorted(devices)}")
        result = function(*args, **(kwargs or {}))
        if devices and isinstance(result, torch.Tensor):
            result.placed = next(iter(devices))
        return result


def moved(tensor, device):
    copy = tensor.clone()
    copy.placed = device
    return copy


def dispatch(model, device_map):
    """Every entry's tensors to its device, and its inputs there when it is called; the calls are returned."""
    calls = []
    for name, tensor in model.state_dict(keep_vars=True).items():
        tensor.placed = device_map[entries_of(name, device_map)[0]]

    def enter(path):
        def hook(module, inputs):
            calls.append(path)
            return tuple(moved(value, device_map[path]) for value in inputs)
        return hook

    handles = [model.get_submodule(path).register_forward_pre_hook(enter(path)) for path in device_map]
    return calls, handles


def test_every_tensor_is_under_exactly_one_entry(model, device_map):
    assert len(set(device_map.values())) > 1, "a plan on one device shows nothing"
    assert set(device_map) <= {path for path, _ in model.named_modules()}
    for name in model.state_dict():
        assert len(entries_of(name, device_map)) == 1, name


@pytest.mark.parametrize("constraints", [[], ["--whole-modules"]], ids=["torn", "whole_modules"])
def test_parameters_beside_modules_are_under_exactly_one_entry(constraints, tmp_path):
    model = Transformer().eval()
    onnx, plan, result = tmp_path / "transformer.onnx", tmp_path / "plan.txtpb", tmp_path / "map.json"
    export_onnx(model, torch.rand(2, 3, 8, 8), onnx)
    run_placer("optimize", onnx, "--cluster", "zoo:k80x2", "--method", "round_robin", "--space", "ops",
               *constraints, "-o", plan)
    run_placer("export", plan, onnx, "--format", "device_map", "-o", result)
    entries = json.loads(result.read_text())["device_map"]
    assert len(set(entries.values())) > 1, "a plan on one device shows nothing"
    assert {"class_token", "encoder.pos_embedding"} <= set(entries)
    for name in model.state_dict():
        assert len(entries_of(name, entries)) == 1, name


def test_the_model_computes_the_same_on_the_devices_of_the_map(model, images, device_map):
    with torch.no_grad():
        expected = model(images)
    calls, handles = dispatch(model, device_map)
    try:
        with Tagged(), torch.no_grad():
            output = model(moved(images, "cpu"))
    finally:
        for handle in handles:
            handle.remove()
    assert set(calls) == set(device_map)
    assert output.placed == device_map["fc"]
    assert torch.equal(output, expected)


def test_a_tensor_left_behind_would_show(model, images, device_map):
    calls, handles = dispatch(model, device_map)
    model.layer2[0].conv1.weight.placed = "elsewhere"
    try:
        with Tagged(), torch.no_grad(), pytest.raises(RuntimeError, match="tensors of .*'elsewhere'"):
            model(moved(images, "cpu"))
    finally:
        for handle in handles:
            handle.remove()
