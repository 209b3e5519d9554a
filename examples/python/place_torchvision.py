"""Places a torchvision model, applies the plan with PyTorch and compares the outputs.

    place_torchvision.py [--model googlenet] [--cluster zoo:k80x2] [--samples 2000] [--size 224]

PyTorch exports the model to ONNX, whose nodes are named by the module they come from; Placer decides
on a device for each; every module then goes where its nodes are. Where this machine has fewer
accelerators than the plan, the CPU stands in for those that are missing: what is tested then is that
the plan covers the model and leaves its outputs as they are, not that it is quick.
"""

import argparse
import collections
import functools
import re
import tempfile
import warnings

import placer
import torch
import torchvision
from torch.overrides import TorchFunctionMode

SLOW_TO_INITIALISE = ("googlenet", "inception_v3")  # a minute, for weights that nobody trains here


def export(model, inputs):
    """The model as an ONNX file. Layers stay as they are: nothing is folded or fused."""
    file = tempfile.NamedTemporaryFile(suffix=".onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, inputs, file.name, training=torch.onnx.TrainingMode.PRESERVE,
                          do_constant_folding=False, opset_version=13)
    return file


def module_of(op, model):
    """Path of the innermost module that an op name such as "/layer1/layer1.0/conv1/Conv" is of."""
    path, module = [], model
    for scope in op.split("/")[1:-1]:
        name = scope.rsplit(".", 1)[-1]
        children = dict(module.named_children())
        if name not in children:
            name = re.sub(r"_\d+$", "", name)  # the module's second call, and so on
        if name not in children:
            break
        path.append(name)
        module = children[name]
    return ".".join(path)


def devices_of_modules(plan, graph, model):
    """{module path: device}, by the flops of its ops. Modules without ops follow those before."""
    votes = collections.defaultdict(collections.Counter)
    for op in graph.ops:
        if op.role not in ("input", "parameter") and op.name.startswith("/"):
            votes[module_of(op.name, model)][plan[op.name]] += 1 + op.flops
    devices, last = {}, plan[graph.op_names[0]]
    for path, _ in model.named_modules():
        if votes[path]:
            last = votes[path].most_common(1)[0][0]
        devices[path] = last
    return devices


def torch_device(name, cluster):
    """The n-th accelerator of the cluster is cuda:n, if this machine has it."""
    accelerators = [device.name for device in cluster.devices if device.kind != "cpu"]
    if name in accelerators and accelerators.index(name) < torch.cuda.device_count():
        return torch.device("cuda", accelerators.index(name))
    return torch.device("cpu")


def move(value, device):
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, (tuple, list)):
        return type(value)(move(item, device) for item in value)
    return value


def devices_in(value):
    if isinstance(value, torch.Tensor):
        yield value.device
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from devices_in(item)


class Placed(TorchFunctionMode):
    """Runs a model with every module on its device, and what is written between modules, such as
    the sum of two branches, on the device of the module that it is written in."""

    def __init__(self, model, devices):
        super().__init__()
        self.model, self.current = model, []
        for path, module in model.named_modules():
            is_layer = not any(module.children())
            if is_layer:
                module.to(devices[path])
            module.register_forward_pre_hook(functools.partial(self.enter, devices[path], is_layer))
            module.register_forward_hook(self.leave)

    def enter(self, device, is_layer, module, args):
        self.current.append(device)
        return move(args, device) if is_layer else args

    def leave(self, module, args, output):
        self.current.pop()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if self.current and len(set(devices_in(args))) > 1:
            args = move(tuple(args), self.current[-1])
        return function(*args, **(kwargs or {}))

    def __call__(self, inputs):
        with self, torch.no_grad():
            return self.model(inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="googlenet", help="a name of torchvision.models")
    parser.add_argument("--cluster", default="zoo:k80x2")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--size", type=int, default=224, help="of the images, in pixels")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    options = {"init_weights": False} if arguments.model in SLOW_TO_INITIALISE else {}
    model = getattr(torchvision.models, arguments.model)(weights=None, **options).eval()
    images = torch.rand(2, 3, arguments.size, arguments.size)
    with torch.no_grad():
        expected = model(images)

    with export(model, images) as file:
        graph = placer.Graph(file.name, batch=64)
    cluster = placer.Cluster(arguments.cluster)
    plan = placer.optimize(graph, cluster, samples=arguments.samples)
    alone = min(placer.simulate(graph, cluster, device.name).step_time for device in cluster.devices)
    print(f"{graph.name}: {len(graph)} ops, step {plan.step_time * 1e3:.3f} ms, "
          f"on one device {alone * 1e3:.3f} ms")

    by_module = devices_of_modules(plan, graph, model)
    for device, count in sorted(collections.Counter(by_module.values()).items()):
        print(f"{device}: {count} modules, run by {torch_device(device, cluster)}")
    placed = Placed(model, {path: torch_device(device, cluster) for path, device in by_module.items()})
    output = placed(images)
    difference = (output.to(expected.device) - expected).abs().max().item()
    print(f"largest difference to the model on one device: {difference:g}")
    if not torch.allclose(output.to(expected.device), expected, rtol=1e-4, atol=1e-5):
        raise SystemExit("the placed model computes something else")


if __name__ == "__main__":
    main()
