"""Tests of notebooks and of JupyterLab are left out where Jupyter is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("nbformat") else ["browser", "notebooks"]
