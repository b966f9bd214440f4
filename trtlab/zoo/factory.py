"""Build an architecture as a ModelProto, or write it to a file."""

import tempfile
from pathlib import Path

import onnx
from onnx import external_data_helper

from trtlab.core.errors import UsageError
from trtlab.zoo.catalog import draft
from trtlab.zoo.serialize import model_from_graph

# Protobuf refuses messages of 2 GiB; the margin is for the graph itself.
LARGEST_SINGLE_FILE_BYTES = 1_900_000_000


def build(name: str, *, seed: int = 0) -> onnx.ModelProto:
    """Build an architecture with seeded weights.

    Args:
        name: One of ``names()``.
        seed: The same seed gives the same bytes.

    Returns:
        A model that passes the ONNX checker.

    Raises:
        UsageError: There is no architecture of this name.
    """
    return model_from_graph(draft(name), name=name, seed=seed)


def export(name: str, path: str | Path, *, seed: int = 0) -> Path:
    """Write an architecture to a file, whole or not at all.

    Weights above 1.9 GB go to ``<path>.data`` beside it.

    Args:
        name: One of ``names()``.
        path: The file; its folder is created when missing.
        seed: See ``build``.

    Returns:
        The file's path.

    Raises:
        UsageError: There is no architecture of this name, ``path`` is a folder, or it cannot
            be written.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"name the file: {path / name}.onnx")
    model = build(name, seed=seed)
    try:
        _write(model, path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}",
            hint="choose a folder that is yours and has room",
        ) from error
    return path


def _write(model: onnx.ModelProto, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    weights_bytes = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    # The folder is on the target's file system, so that replace() is one step.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        written = Path(folder) / path.name
        if weights_bytes > LARGEST_SINGLE_FILE_BYTES:
            data_name = f"{path.name}.data"
            external_data_helper.convert_model_to_external_data(model, location=data_name)
            external_data_helper.write_external_data_tensors(model, folder)
            written.with_name(data_name).replace(path.with_name(data_name))
        written.write_bytes(model.SerializeToString(deterministic=True))
        written.replace(path)
