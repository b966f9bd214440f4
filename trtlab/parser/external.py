"""Elements of tensors that lie in files beside the model; never read outside its folder."""

from pathlib import Path

import onnx

from trtlab.core.errors import ParseError


def read_external(tensor: onnx.TensorProto, folder: Path | None, nbytes: int) -> bytes:
    """The bytes that a tensor's external-data record names.

    Args:
        tensor: Its data location is EXTERNAL.
        folder: The model's folder, resolved; None when the model came from memory.
        nbytes: Bytes that type and shape ask for.

    Raises:
        ParseError: The record is wrong, the file is missing or too short, or lies outside.
    """
    fields = {entry.key: entry.value for entry in tensor.external_data}
    where = (f"initializer {tensor.name!r}",)
    location = fields.get("location", "")
    if folder is None:
        raise ParseError(
            f"the model keeps data in the file {location!r}, but was not read from a folder",
            where=where,
            hint="parse the model's path instead of its bytes",
        )
    path = _inside(folder, location, where)
    offset, length = (_number(fields, key, where) for key in ("offset", "length"))
    if length is not None and length != nbytes:
        raise ParseError(
            f"{length} bytes of external data do not fit a tensor of {nbytes} bytes",
            where=where,
            hint="the model and its data file do not belong together",
        )
    start = offset or 0
    try:
        size = path.stat().st_size
        if start + nbytes > size:
            raise ParseError(
                f"{path.name} has {size} bytes; data at {start} would end at {start + nbytes}",
                where=where,
                hint="the data file is truncated; copy it again",
            )
        with path.open("rb") as file:
            file.seek(start)
            return file.read(nbytes)
    except OSError as error:
        raise ParseError(
            f"the data file {location!r} cannot be read: {error.strerror or error}",
            where=where,
            hint=f"put it into {folder}",
        ) from error


def _inside(folder: Path, location: str, where: tuple[str, ...]) -> Path:
    """The path, which must be relative, and stay in the folder after links are followed."""
    given = Path(location)
    outside = not location or "\0" in location or given.is_absolute() or ".." in given.parts
    path = folder if outside else (folder / given).resolve()
    if outside or not path.is_relative_to(folder) or path == folder:
        raise ParseError(
            f"external data {location!r} lies outside the model's folder",
            where=where,
            hint="trtlab reads data files only from the model's own folder",
        )
    return path


def _number(fields: dict[str, str], key: str, where: tuple[str, ...]) -> int | None:
    text = fields.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise ParseError(
            f"external data has the {key} {text!r}, which is no size", where=where
        )
    return int(text)
