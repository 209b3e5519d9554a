"""Runs pytest on the files given, or says in one line what is missing for it."""

import importlib.util
import sys

missing = [name for name in ("pytest", "numpy") if importlib.util.find_spec(name) is None]
if any("torch" in argument for argument in sys.argv[1:]):
    missing += [name for name in ("torch", "torchvision") if importlib.util.find_spec(name) is None]
if missing:
    print(f"skipped: {sys.executable} has no {', '.join(missing)}")
    sys.exit(0)

import pytest

sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
