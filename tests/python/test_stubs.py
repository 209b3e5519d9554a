"""The stub file, the documentation strings and the module say the same."""

import ast
import inspect
import pathlib
import pydoc

import placer

STUB = pathlib.Path(placer.__file__).with_name("__init__.pyi")


def public(names):
    return {name for name in names if not name.startswith("_")}


def stub_tree():
    return ast.parse(STUB.read_text())


def stub_names(body):
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets)
    return names


def test_every_public_name_is_in_the_stub():
    assert (STUB.parent / "py.typed").exists()
    assert public(placer.__all__) == public(stub_names(stub_tree().body))


def test_every_member_of_every_class_is_in_the_stub():
    inherited = set(dir(Exception)) | set(dir(object))
    for node in stub_tree().body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        kind = getattr(placer, node.name)
        members = {name for name in dir(kind) if name not in inherited and name[0] != "_"}
        stubbed = public(stub_names(node.body))
        if node.name == "InfeasibleError":
            stubbed -= {"plan"}  # set on the exception, not on its type
        assert members == stubbed, node.name
        operators = {name for name in vars(kind) if name in ("__getitem__", "__contains__", "__len__", "__iter__")}
        assert operators == {n for n in stub_names(node.body) if n.startswith("__") and n != "__init__"}, node.name


def test_keyword_arguments_are_those_of_the_stub():
    for node in stub_tree().body:
        if isinstance(node, ast.FunctionDef) and (node.args.args or node.args.kwonlyargs):
            signature = getattr(placer, node.name).__doc__.splitlines()[0]
            for argument in node.args.args + node.args.kwonlyargs:
                assert f"{argument.arg}: " in signature, (node.name, argument.arg)


def test_everything_is_documented():
    for name in public(placer.__all__):
        thing = getattr(placer, name)
        assert inspect.getdoc(thing), name
        assert thing.__module__ == "placer", name
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            for member in vars(thing):
                if not member.startswith("_"):
                    assert inspect.getdoc(getattr(thing, member)), f"{name}.{member}"


def test_help_reads_well():
    text = pydoc.render_doc(placer, renderer=pydoc.plaintext)
    assert text.index("Placer finds on which device") < 200
    assert "placer._core" not in text  # names are those that users write
    for word in ("class Graph", "class Plan", "optimize(", "Seconds", "KeyboardInterrupt"):
        assert word in text
