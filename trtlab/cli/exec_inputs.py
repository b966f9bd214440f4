"""What `trtlab exec` runs an engine on: shapes and raw files, checked before anything is built."""

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trtlab.core.errors import UsageError
from trtlab.core.types import StaticShape, format_shape, nbytes
from trtlab.engine.engine import Engine, ShapeProfile
from trtlab.layers.base import Array
from trtlab.network.graph import Tensor
from trtlab.session.work import random_inputs, shapes_within


def check_run(inputs: Sequence[Tensor], profile: ShapeProfile, args: Namespace) -> None:
    """Find out before a build that what it makes could not be run as asked.

    Args:
        inputs: Of the network or engine.
        profile: The range of every input.
        args: The command's.

    Raises:
        UsageError: Shapes lie outside the profile, or a file of ``--loadInputs`` cannot be read
            or has another size than its input.
    """
    shapes = shapes_within(profile, args.shapes)
    files: Mapping[str, str] = args.loadInputs
    types = {tensor.name: tensor.dtype for tensor in inputs}
    for name, file in files.items():
        if name not in shapes:
            raise UsageError(
                f"--loadInputs names {name!r}", hint="inputs: " + ", ".join(shapes)
            )
        _check_file(Path(file), name, nbytes(types[name], shapes[name]), shapes[name])


def _check_file(file: Path, name: str, wanted: int, shape: StaticShape) -> None:
    where = (str(file.absolute()),)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise UsageError(
            f"the file of input {name!r} {what}", where=where,
            hint=f"--loadInputs={name}:FILE, raw values, little-endian, row by row",
        )  # fmt: skip
    if not os.access(file, os.R_OK):
        raise UsageError(
            f"the file of input {name!r} is not yours to read", where=where,
            hint="change its permissions, or copy it",
        )  # fmt: skip
    size = file.stat().st_size
    if size != wanted:
        raise UsageError(
            f"the file of input {name!r} has {size:,} bytes; its elements, "
            f"{format_shape(shape)}, take {wanted:,}", where=where,
            hint="give --shapes that fit the file, or a file of that size",
        )  # fmt: skip


def load_inputs(
    engine: Engine, shapes: Mapping[str, StaticShape], files: Mapping[str, str]
) -> dict[str, Array] | None:
    """Inputs from raw files, random ones for the rest; None without files.

    Raises:
        UsageError: A file has gone since it was checked, or has another size now.
    """
    if not files:
        return None
    inputs = random_inputs(engine, shapes)
    for name, file in files.items():
        try:
            inputs[name] = np.fromfile(file, inputs[name].dtype).reshape(shapes[name])
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{file} cannot be read as input {name!r}: {error}",
                hint="it was fine before the build: leave it as it is",
            ) from error
    return inputs
