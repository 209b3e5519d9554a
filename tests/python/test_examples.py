"""The examples do what they say, and docs/library.md shows them as they are."""

import os
import pathlib
import re
import subprocess
import sys

import placer
import pytest

SOURCE = pathlib.Path(os.environ["PLACER_SOURCE"])


def test_place(tmp_path):
    plan = tmp_path / "plan.txtpb"
    done = subprocess.run(
        [sys.executable, SOURCE / "examples/python/place.py", "zoo:rnnlm", "zoo:k80x2", plan, "heft"],
        capture_output=True, text=True, check=True)
    assert re.match(r"step time \S+ s, bound \S+ s\n", done.stdout)
    lines = done.stdout.splitlines()[1:]
    assert lines == [f"{op} -> {device}" for op, device in placer.Plan.load(plan).items()]


def test_place_explains_bad_input(tmp_path):
    done = subprocess.run(
        [sys.executable, SOURCE / "examples/python/place.py", "zoo:no", "zoo:k80x2", tmp_path / "p.pb"],
        capture_output=True, text=True)
    assert done.returncode == 1 and "rnnlm" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "path",
    ["examples/cmake/CMakeLists.txt", "examples/cmake/place.cc", "examples/c/CMakeLists.txt",
     "examples/c/place.c", "examples/python/place.py"])
def test_the_documentation_shows_the_example(path):
    text = (SOURCE / "docs/library.md").read_text()
    shown = re.search(rf"`{re.escape(path)}`:\n\n```[a-z]*\n(.*?)```", text, re.DOTALL)
    assert shown, f"docs/library.md does not show {path}"
    assert shown.group(1) == (SOURCE / path).read_text(), f"docs/library.md shows another {path}"
