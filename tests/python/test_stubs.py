"""The stub file, the documentation strings and the module say the same."""

import ast
import inspect
import pathlib
import pydoc
import re

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


# What pybind11 knows of a type is sometimes less than the stub says, or the same in other words.
VAGUE = {
    "object": ".*",
    "dict": r"dict\[.*\]|_Transfers|_Memory",
    "Iterator": r"Iterator\[.*\]",
    "os.PathLike": re.escape("str | os.PathLike[str]"),
    "List[str]": r"(list|Sequence)\[str\]",
}


def says_the_same(stub, module):
    """Whether two annotations agree, the module's in the words of pybind11."""
    if optional := re.fullmatch(r"Optional\[(.*)\]", module):
        return stub.endswith(" | None") and says_the_same(stub[: -len(" | None")], optional[1])
    module = re.sub(r"\bplacer\.", "", module)
    module = re.sub(r"numpy\.ndarray\[numpy\.(\w+)\]", r"npt.NDArray[np.\1]", module)
    return re.fullmatch(VAGUE.get(module, re.escape(module.replace("List[", "list["))), stub) is not None


def signature_of(function):
    """What the documentation of a function in the module begins with, as Python reads it."""
    return ast.parse(f"def {function.__doc__.splitlines()[0]}: ...").body[0]


def assert_same_signature(stub, module, where):
    """Names, kinds, order, defaults and types of arguments, and the type of what is returned."""
    is_operator = stub.name.startswith("__") and stub.name != "__init__"
    for kind in ("posonlyargs", "args", "kwonlyargs"):
        stubbed, found = getattr(stub.args, kind), getattr(module.args, kind)
        names = [argument.arg for argument in found]
        if is_operator:  # called without names
            names = [argument.arg for argument in stubbed[: len(found)]]
        assert [argument.arg for argument in stubbed] == names and len(stubbed) == len(found), where
        for said, known in zip(stubbed, found):
            if said.arg != "self":
                types = ast.unparse(said.annotation), ast.unparse(known.annotation)
                assert says_the_same(*types), (where, said.arg, types)
    for kind in ("defaults", "kw_defaults"):
        values = [[value and ast.unparse(value) for value in getattr(f.args, kind)] for f in (stub, module)]
        assert values[0] == values[1], where
    assert stub.args.vararg is module.args.vararg is stub.args.kwarg is module.args.kwarg is None, where
    returns = ast.unparse(stub.returns), ast.unparse(module.returns)
    assert says_the_same(*returns), (where, returns)


def test_functions_have_the_signatures_of_the_stub():
    functions = [node for node in stub_tree().body if isinstance(node, ast.FunctionDef)]
    for node in functions:
        assert_same_signature(node, signature_of(getattr(placer, node.name)), node.name)
    names = {name for name in placer.__all__ if inspect.isroutine(getattr(placer, name))}
    assert names == {node.name for node in functions} | {"optimise"}  # the stub says optimise = optimize
    assert placer.optimise.__doc__ == placer.optimize.__doc__.replace("optimize(", "optimise(", 1)


def test_methods_have_the_signatures_of_the_stub():
    for stub in stub_tree().body:
        if not isinstance(stub, ast.ClassDef) or stub.name.startswith("_"):
            continue
        kind = getattr(placer, stub.name)
        made_by_users = (kind.__init__.__doc__ or "").startswith("__init__(self: placer.")
        assert made_by_users == ("__init__" in stub_names(stub.body)), stub.name
        for node in stub.body:
            if not isinstance(node, ast.FunctionDef):
                continue
            where = f"{stub.name}.{node.name}"
            member = inspect.getattr_static(kind, node.name)
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            expected = {property: ["property"], staticmethod: ["staticmethod"]}
            assert decorators == expected.get(type(member), []), where
            if isinstance(member, property):
                assert member.fset is None, where
                returns = member.fget.__doc__.splitlines()[0].partition(" -> ")[2]
                assert says_the_same(ast.unparse(node.returns), returns), (where, returns)
            else:
                assert_same_signature(node, signature_of(getattr(kind, node.name)), where)


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
