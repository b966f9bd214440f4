"""TensorRT's OnnxParser: fills a network definition, and lists errors in place of raising."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from trtlab.core.build_enums import OnnxParserFlag
from trtlab.core.errors import TrtlabError, UnsupportedError, UsageError
from trtlab.core.logger import ILogger, Severity
from trtlab.core.sealed import Sealed
from trtlab.network.api.arguments import member, shown, whole
from trtlab.network.api.tensor import ITensor
from trtlab.network.definition import INetworkDefinition
from trtlab.parser.catalog import CONVERTERS
from trtlab.parser.errors import ErrorCode, ModelError, Problem, UnsupportedModelError
from trtlab.parser.parse import ParsedModel, parse
from trtlab.parser.source import load

_BYTES: tuple[type, ...] = (bytes, bytearray, memoryview)
_DEFAULT_FLAGS = 1 << OnnxParserFlag.NATIVE_INSTANCENORM
MISSING_METHODS = {
    "load_model_proto": "use parse or parse_from_file",
    "load_initializer": "write the weights into the model, then use parse",
    "parse_model_proto": "use parse or parse_from_file",
    "parse_with_weight_descriptors": "use parse, with path for external weights",
    "set_builder_config": "the parser needs nothing from the config",
}


@dataclass(frozen=True, slots=True)
class ParserError:
    """One reason why a model was refused; members are methods, as in TensorRT."""

    problem: Problem
    source: str

    def code(self) -> ErrorCode:
        """Kind of error."""
        return self.problem.code

    def desc(self) -> str:
        """One sentence."""
        return self.problem.desc

    def file(self) -> str:
        """The model's file."""
        return self.source

    def line(self) -> int:
        """0: models have no lines."""
        return 0

    def func(self) -> str:
        """The operator whose import failed; empty when no single node is to blame."""
        return self.problem.op_type

    def node(self) -> int:
        """Index of the node in the model's graph; −1 when no single node is to blame."""
        return self.problem.node

    def node_name(self) -> str:
        """The node's name."""
        return self.problem.node_name

    def node_operator(self) -> str:
        """The node's operator."""
        return self.problem.op_type

    def local_function_stack(self) -> list[str]:
        """Empty: functions of the model are expanded before nodes are read."""
        return []

    def local_function_stack_size(self) -> int:
        """0."""
        return 0

    def __str__(self) -> str:
        return f"{self.problem.code.name}: {self.problem}"


class OnnxParser(Sealed):
    """Reads ONNX models into a network.

    Args:
        network: Empty.
        logger: Hears of every error.

    Raises:
        UsageError: One of them is something else.
    """

    _missing = MISSING_METHODS

    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        if not isinstance(network, INetworkDefinition):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(
                f"{shown(network)} is no network", hint="builder.create_network()"
            )
        if not callable(getattr(logger, "log", None)):
            raise UsageError(f"{shown(logger)} is no logger", hint="pass trtlab.Logger()")
        self._network = network
        self._logger = logger
        self._errors: list[ParserError] = []
        self._subgraphs: list[tuple[list[int], bool]] = []
        self._flags = _DEFAULT_FLAGS

    # ---- parsing -----------------------------------------------------------------------

    def parse(
        self, model: bytes | bytearray | memoryview, path: str | Path | None = None
    ) -> bool:
        """Fill the network from the bytes of a model.

        Args:
            model: The file's bytes.
            path: The file they are from, where external weights lie beside.

        Returns:
            False when the model is refused: see `num_errors` and `get_error`. The network then
            stays empty.

        Raises:
            UsageError: It is not bytes.
        """
        parsed = self._read(_bytes(model), path)
        if parsed is None:
            return False
        try:
            self._network.adopt(parsed.network, parsed.model_record)
        except UsageError as error:
            self._note([Problem(ErrorCode.INVALID_GRAPH, str(error))], "network")
            return False
        return True

    def parse_from_file(self, model: str | Path) -> bool:
        """As `parse`, from a file; external weights are found beside it.

        Raises:
            UsageError: It is no path.
        """
        if not isinstance(model, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(
                f"{shown(model)} is no path of a model", hint="use parse for bytes"
            )
        try:
            data = Path(model).read_bytes()
        except OSError as error:
            text = f"the model file {model} cannot be read: {error.strerror or error}"
            self.clear_errors()
            self._note([Problem(ErrorCode.MODEL_DESERIALIZE_FAILED, text)], str(model))
            return False
        return self.parse(data, model)

    def _read(self, data: bytes, path: str | Path | None) -> ParsedModel | None:
        self.clear_errors()
        try:
            return parse(data, path=None if path is None else Path(path))
        except (ModelError, UnsupportedModelError) as error:
            self._note(error.problems, str(path or "bytes"))
        except TrtlabError as error:
            self._note([Problem(ErrorCode.INTERNAL_ERROR, str(error))], str(path or "bytes"))
        return None

    def _note(self, problems: Sequence[Problem], source: str) -> None:
        for problem in problems:
            error = ParserError(problem, source)
            self._errors.append(error)
            self._logger.log(Severity.ERROR, str(error))

    # ---- asking beforehand -------------------------------------------------------------

    def supports_operator(self, op_name: str) -> bool:
        """Whether an ONNX operator can be read, in some version and with usual attributes."""
        return op_name in CONVERTERS

    def supports_model_v2(
        self, model: bytes | bytearray | memoryview, path: str | Path | None = None
    ) -> bool:
        """Whether `parse` would succeed; the network is left alone."""
        data = _bytes(model)
        parsed = self._read(data, path)
        self._subgraphs = _subgraphs(data, {e.node() for e in self._errors} - {-1})
        return parsed is not None

    def supports_model(
        self, model: bytes | bytearray | memoryview, path: str | Path | None = None
    ) -> tuple[bool, list[tuple[list[int], bool]]]:
        """TensorRT 8's form of `supports_model_v2`: with the subgraphs."""
        return self.supports_model_v2(model, path), list(self._subgraphs)

    @property
    def num_subgraphs(self) -> int:
        """Runs of nodes that are alike supported or not, after `supports_model_v2`."""
        return len(self._subgraphs)

    def is_subgraph_supported(self, index: int) -> bool:
        """Whether all nodes of a subgraph can be read."""
        return self._subgraph(index)[1]

    def get_subgraph_nodes(self, index: int) -> list[int]:
        """Indices of a subgraph's nodes in the model."""
        return list(self._subgraph(index)[0])

    def _subgraph(self, index: int) -> tuple[list[int], bool]:
        place = whole(index, "the subgraph's index")
        if not 0 <= place < len(self._subgraphs):
            raise UsageError(
                f"there are {len(self._subgraphs)} subgraphs, none of index {place}",
                hint="call supports_model_v2 first",
            )
        return self._subgraphs[place]

    # ---- errors ------------------------------------------------------------------------

    @property
    def num_errors(self) -> int:
        """Errors of the last model."""
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        """An error of the last model.

        Raises:
            UsageError: There is none of that index.
        """
        place = whole(index, "the error's index")
        if not 0 <= place < len(self._errors):
            raise UsageError(f"there are {len(self._errors)} errors, none of index {place}")
        return self._errors[place]

    def clear_errors(self) -> None:
        """Forget all errors."""
        self._errors.clear()

    # ---- flags and the rest ------------------------------------------------------------

    @property
    def flags(self) -> int:
        """Bit mask of `OnnxParserFlag`."""
        return self._flags

    @flags.setter
    def flags(self, flags: int) -> None:
        mask = whole(flags, "the parser flags", least=0)
        for flag in OnnxParserFlag:
            if mask >> flag & 1:
                self.set_flag(flag)
        self._flags = mask

    def set_flag(self, flag: OnnxParserFlag) -> None:
        """Switch a flag on.

        Raises:
            UnsupportedError: It is about plugins or accelerators, which do not exist here.
        """
        known = member(OnnxParserFlag)(flag, "the parser flag")
        if known is not OnnxParserFlag.NATIVE_INSTANCENORM:
            raise UnsupportedError(f"OnnxParserFlag.{known.name} is not available")
        self._flags |= 1 << known

    def clear_flag(self, flag: OnnxParserFlag) -> None:
        """Switch a flag off; instance normalization stays native, as there are no plugins."""
        self._flags &= ~(1 << member(OnnxParserFlag)(flag, "the parser flag"))

    def get_flag(self, flag: OnnxParserFlag) -> bool:
        """Whether a flag is on."""
        return bool(self._flags >> member(OnnxParserFlag)(flag, "the parser flag") & 1)

    def get_layer_output_tensor(self, name: str, i: int) -> ITensor | None:
        """An output of the layer that a node became; None when there is none."""
        graph = self._network.graph
        found = [la for la in graph if any(origin.node == name for origin in la.origins)]
        if not found or not 0 <= i < len(found[-1].outputs):
            return None
        return self._network.tensor_view(found[-1].outputs[i])

    def get_used_vc_plugin_libraries(self) -> list[str]:
        """Empty: there are no plugins."""
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


def _bytes(model: object) -> bytes:
    if not isinstance(model, _BYTES):
        raise UsageError(
            f"the model is {shown(model)}, not bytes",
            hint="pass the file's content, or use parse_from_file(path)",
        )
    return bytes(cast(bytes, model))


def _subgraphs(data: bytes, refused: set[int]) -> list[tuple[list[int], bool]]:
    """Runs of nodes that are all supported or all not; empty for no model at all."""
    try:
        count = len(load(data).proto.graph.node)
    except TrtlabError:
        return []
    runs: list[tuple[list[int], bool]] = []
    for index in range(count):
        good = index not in refused
        if not runs or runs[-1][1] != good:
            runs.append(([], good))
        runs[-1][0].append(index)
    return runs
