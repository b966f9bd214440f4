"""Read a model from a path, bytes or a ModelProto; what is no ONNX model is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError

from trtlab.core.errors import UsageError
from trtlab.parser.errors import ErrorCode, ModelError, Problem, UnsupportedModelError
from trtlab.parser.subgraphs import all_graphs, all_nodes
from trtlab.report.codec import OPENED_WITH, looks_like_report

Source = str | Path | bytes | bytearray | memoryview | onnx.ModelProto

# The newest opset whose changes the converters have been checked against.
LATEST_OPSET = 28
DEFAULT_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model as it was read.

    Attributes:
        proto: The decoded file; not changed.
        label: Where it came from, for messages and records.
        digest: SHA-256 of the bytes, hexadecimal; empty when they cannot be had.
        folder: Where files with external data may lie; None when nowhere.
        stem: A name made from the file's.
    """

    proto: onnx.ModelProto
    label: str
    digest: str
    folder: Path | None
    stem: str

    @property
    def opset(self) -> int:
        """Version of the default operator set that the model asks for."""
        return next(o.version for o in self.proto.opset_import if o.domain in DEFAULT_DOMAINS)


def load(source: Source) -> LoadedModel:
    """Read and decode a model; nothing in it is executed.

    Raises:
        ModelError: The file is missing, empty, damaged or no ONNX model.
        UnsupportedModelError: It asks for a newer operator set.
        UsageError: It is something else altogether.
    """
    if isinstance(source, onnx.ModelProto):
        loaded = LoadedModel(source, "ModelProto", _digest(source), None, "")
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        proto = _decode(data, "bytes")
        loaded = LoadedModel(proto, "bytes", sha256(data).hexdigest(), None, "")
    elif not isinstance(source, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(
            f"{type(source).__name__} is not a model",
            hint="pass a path, the file's bytes, or an onnx.ModelProto",
        )
    else:
        path = Path(source)
        data = _read(path)
        proto = _decode(data, str(path))
        digest = sha256(data).hexdigest()
        loaded = LoadedModel(proto, str(path), digest, path.resolve().parent, path.stem)
    _check_model(loaded)
    return loaded


def _digest(proto: onnx.ModelProto) -> str:
    try:
        return sha256(proto.SerializeToString(deterministic=True)).hexdigest()
    except (EncodeError, ValueError):  # more than 2 GiB cannot be serialized
        return ""


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _broken(
            f"the model file cannot be read: {error.strerror or error}",
            str(path),
            "check the path; a model is a file that ends in .onnx",
        ) from error
    return data


def _decode(data: bytes, label: str) -> onnx.ModelProto:
    if not data:
        raise _broken(
            "the model file is empty", label, "export it again, or copy it completely"
        )
    foreign = _foreign(data)
    if foreign:
        raise _broken(f"this is {foreign[0]}, not an ONNX model", label, foreign[1])
    try:
        proto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise _broken(
            f"the file ({len(data)} bytes) is truncated or damaged, or no ONNX model: "
            "it does not decode as protobuf",
            label,
            "compare its size with the original's, or export it again",
        ) from error
    if not proto.HasField("graph") and not proto.ir_version:
        raise _broken(
            f"the file ({len(data)} bytes) holds no ONNX model",
            label,
            "export the model with torch.onnx.export or tf2onnx",
        )
    return proto


def _foreign(data: bytes) -> tuple[str, str] | None:
    """What a file is that people take for an ONNX model, and what to do."""
    head = data[:64]
    if looks_like_report(data):
        return "a report of trtlab", OPENED_WITH
    known = (
        (
            b"TRTLAB\r\n",  # `trtlab.engine.plan_file` begins so
            "an engine file of trtlab",
            "run it with `trtlab exec --loadEngine=FILE`",
        ),
        (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
        (
            b"PK\x03\x04",
            "a zip archive, such as a PyTorch checkpoint",
            "use torch.onnx.export",
        ),
        (
            b"\x80\x02",
            "a Python pickle, such as a PyTorch checkpoint",
            "use torch.onnx.export",
        ),
        (b"\x89HDF", "an HDF5 file, such as a Keras model", "convert it with tf2onnx"),
        (b"\x1f\x8b", "a gzip archive", "unpack it first"),
        (b"<", "an HTML or XML page", "download the raw file"),
        (b"{", "a JSON file", "convert it to the binary form with onnx.load and onnx.save"),
        (b"ir_version:", "an ONNX text file", "convert it with onnx.load and onnx.save"),
    )
    for magic, what, hint in known:
        if head.lstrip().startswith(magic) or head.startswith(magic):
            return what, hint
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model", "convert it with tf2onnx"
    return None


def _check_model(model: LoadedModel) -> None:
    proto = model.proto
    if not proto.HasField("graph"):
        raise _broken(
            "the model has no graph", model.label, "the file is damaged; export it again"
        )
    _check_texts(model)
    versions = {o.version for o in proto.opset_import if o.domain in DEFAULT_DOMAINS}
    if len(versions) != 1:
        raise _broken(
            "the model imports no version of ONNX's operator set"
            if not versions
            else "the model imports several versions of ONNX's operator set: "
            + ", ".join(map(str, sorted(versions))),
            model.label,
            "add opset_import to the model, or export it again",
        )
    version = versions.pop()
    if version < 1:
        raise _broken(f"opset {version} does not exist", model.label, "export it again")
    if version > LATEST_OPSET:
        problem = Problem(
            ErrorCode.UNSUPPORTED_GRAPH,
            f"the model asks for opset {version}; trtlab knows opsets up to {LATEST_OPSET}",
        )
        raise UnsupportedModelError(
            [problem],
            source=model.label,
            hint=f"export it with opset_version={LATEST_OPSET} or lower, "
            "or convert it with onnx.version_converter",
        )


def _check_texts(model: LoadedModel) -> None:
    """Refuse names that are not UTF-8, which protobuf hands over as bytes."""
    for text in _texts(model.proto):
        if not isinstance(text, str):
            raise _broken(
                f"the name {text!r} is not UTF-8 text", model.label, "the file is damaged"
            )


def _texts(proto: onnx.ModelProto) -> Iterator[object]:
    """Every name that the parser looks at."""
    yield from (proto.producer_name, proto.producer_version)
    yield from (opset.domain for opset in proto.opset_import)
    functions = [node for function in proto.functions for node in function.node]
    for function in proto.functions:
        yield from (function.name, function.domain, *function.input, *function.output)
    top = [*proto.graph.node, *functions]
    for graph in (proto.graph, *all_graphs(top)):
        yield graph.name
        for tensor in graph.initializer:
            yield tensor.name
            yield from (part for e in tensor.external_data for part in (e.key, e.value))
        for value in (*graph.input, *graph.output):
            yield value.name
            yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in all_nodes(top):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (part for a in node.attribute for part in (a.name, a.ref_attr_name))
        yield from (part for entry in node.metadata_props for part in (entry.key, entry.value))


def _broken(what: str, label: str, hint: str) -> ModelError:
    problem = Problem(ErrorCode.MODEL_DESERIALIZE_FAILED, what)
    return ModelError([problem], source=label, hint=hint)
