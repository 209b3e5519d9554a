#!/usr/bin/python3
"""Writes the broken models beside this script, one fault each. Needs python3-onnx."""

import pathlib

import onnx
from onnx import TensorProto, helper

FOLDER = pathlib.Path(__file__).resolve().parent
FLOAT = TensorProto.FLOAT


def value(name, shape):
    return helper.make_tensor_value_info(name, FLOAT, shape)


def external(name, shape):
    tensor = TensorProto(name=name, data_type=FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="none.bin")
    return tensor


def conv(**attributes):
    return helper.make_node("Conv", ["x", "w"], ["y"], name="conv1", **attributes)


def model(nodes, inputs=None, initializers=None, outputs=("y",), opsets=(("", 13),)):
    graph = helper.make_graph(
        nodes,
        "bad",
        inputs if inputs is not None else [value("x", [1, 3, 8, 8])],
        [value(name, None) for name in outputs],
        initializers if initializers is not None else [external("w", [4, 3, 3, 3])],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def relu(source, target, name):
    return helper.make_node("Relu", [source], [target], name=name)


def reshape(target):
    shape = helper.make_tensor("s", TensorProto.INT64, [len(target)], target)
    return model([helper.make_node("Reshape", ["x", "s"], ["y"], name="r")], initializers=[shape])


def long_list():
    unknown = helper.make_tensor_value_info("s", TensorProto.INT64, [2**40])
    expand = helper.make_node("Expand", ["x", "s"], ["y"], name="e")
    return model([expand], inputs=[value("x", [1]), unknown], initializers=[])


def short_data():
    broken = reshape([1, 192])
    broken.graph.initializer[0].int64_data.pop()
    return broken


MODELS = {
    "cycle": model([relu("b", "a", "first"), relu("a", "b", "second"), relu("x", "y", "third")]),
    "dangling_input": model([conv()], initializers=[]),
    "dangling_output": model([conv()], outputs=["y", "z"]),
    "dilation_zero": model([conv(dilations=[0, 1])]),
    "duplicate_initializer": model([conv()], initializers=[external("w", [4, 3, 3, 3])] * 2),
    "duplicate_input": model([conv()], inputs=[value("x", [1, 3, 8, 8])] * 2),
    "duplicate_value": model([relu("x", "y", "a"), relu("x", "y", "b")]),
    "group_zero": model([conv(group=0)]),
    "kernel_too_large": model([conv()], initializers=[external("w", [4, 3, 11, 11])]),
    "long_list": long_list(),
    "mismatched_channels": model([conv()], initializers=[external("w", [4, 5, 3, 3])]),
    "mismatched_matrices": model([helper.make_node("MatMul", ["x", "w"], ["y"], name="m")],
                                 inputs=[value("x", [2, 3])], initializers=[external("w", [4, 5])]),
    "missing_opset": model([conv()], opsets=[("com.example", 1)]),
    "negative_dim": model([conv()], inputs=[value("x", [1, 3, -8, 8])]),
    "negative_initializer_dim": model([conv()], initializers=[external("w", [4, -3, 3, 3])]),
    "no_nodes": model([], outputs=["x"]),
    "overflowing_dims": model([conv()], inputs=[value("x", [2**40, 3, 2**40, 8])]),
    "overflowing_flops": model([helper.make_node("MatMul", ["x", "w"], ["y"], name="m")],
                               inputs=[value("x", [2**20, 2**40])],
                               initializers=[external("w", [2**40, 2**20])]),
    "reshape_count": reshape([1, 191]),
    "short_data": short_data(),
    "stride_negative": model([conv(strides=[1, -1])]),
    "stride_zero": model([conv(strides=[0, 1])]),
    "unknown_op": model([helper.make_node("Conw", ["x", "w"], ["y"], name="conv1")]),
    "wrong_attribute": model([conv(stride=[1, 1])]),
    "wrong_input_count": model([helper.make_node("Conv", ["x"], ["y"], name="conv1")]),
}


def main():
    for name, broken in MODELS.items():
        (FOLDER / f"{name}.onnx").write_bytes(broken.SerializeToString())
    whole = model([conv()]).SerializeToString()
    (FOLDER / "truncated.onnx").write_bytes(whole[: len(whole) // 2])
    (FOLDER / "no_graph.onnx").write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    (FOLDER / "empty.onnx").write_bytes(b"")
    (FOLDER / "text.onnx").write_text("This is no model.\n")


if __name__ == "__main__":
    main()
