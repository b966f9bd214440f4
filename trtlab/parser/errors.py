"""Errors of the parser: a text for people, and a record for each node that is to blame."""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.enums import NamedInt
from trtlab.core.errors import ParseError, UnsupportedError

_SHOWN = 12  # problems that a message lists
_PLURALS = {"is": "are", "refers": "refer"}
_KINDS = 3  # kinds of problems that its first line names


class ErrorCode(NamedInt):
    """TensorRT's codes of parser errors."""

    SUCCESS = 0
    INTERNAL_ERROR = 1
    MEM_ALLOC_FAILED = 2
    MODEL_DESERIALIZE_FAILED = 3
    INVALID_VALUE = 4
    INVALID_GRAPH = 5
    INVALID_NODE = 6
    UNSUPPORTED_GRAPH = 7
    UNSUPPORTED_NODE = 8
    UNSUPPORTED_NODE_ATTR = 9
    UNSUPPORTED_NODE_INPUT = 10
    UNSUPPORTED_NODE_DATATYPE = 11
    UNSUPPORTED_NODE_DYNAMIC = 12
    UNSUPPORTED_NODE_SHAPE = 13
    REFIT_FAILED = 14


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a model was refused.

    Attributes:
        code: Kind of problem.
        desc: One sentence.
        node: Index of the node in the model's graph; −1 when no single node is to blame.
        node_name: Its name, made unique.
        op_type: Its operator.
        opset: Version of the operator set that the model asks for.
    """

    code: ErrorCode
    desc: str
    node: int = -1
    node_name: str = ""
    op_type: str = ""
    opset: int = 0

    def __str__(self) -> str:
        if self.node < 0:
            return self.desc
        name = f"node {self.node} {self.node_name} ({self.op_type}, opset {self.opset})"
        return f"{name}: {self.desc}"


class ModelError(ParseError):
    """The model is damaged or contradicts itself or the ONNX specification.

    Args:
        problems: At least one; the first is told first.
        source: The model's file, as messages show it.
        hint: What the user can do.
    """

    def __init__(
        self, problems: Sequence[Problem], *, source: str = "", hint: str = ""
    ) -> None:
        self.problems = tuple(problems)
        what, where = _told(self.problems, source)
        super().__init__(what, where=where, hint=hint)


class UnsupportedModelError(UnsupportedError):
    """The model is right, but uses something that trtlab does not have.

    Args:
        problems: At least one; the first is told first.
        source: The model's file, as messages show it.
        hint: What the user can do.
    """

    def __init__(
        self, problems: Sequence[Problem], *, source: str = "", hint: str = ""
    ) -> None:
        self.problems = tuple(problems)
        what, where = _told(self.problems, source)
        super().__init__(what, where=where, hint=hint)


def _told(problems: Sequence[Problem], source: str) -> tuple[str, tuple[str, ...]]:
    """The sentence and the places of an error."""
    places = [source] if source else []
    if len(problems) == 1:
        problem = problems[0]
        if problem.node >= 0:
            places.append(str(problem).removesuffix(f": {problem.desc}"))
        return problem.desc, tuple(places)
    places += [str(problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        places.append(f"… and {len(problems) - _SHOWN} more")
    return f"{len(problems)} problems: {_headline(problems)}", tuple(places)


def _headline(problems: Sequence[Problem]) -> str:
    """What the problems are, each kind once; operators that have the same trouble together."""
    subjects: dict[str, list[str]] = {}
    for problem in problems:
        subject = f"operator {problem.op_type} "
        alike = bool(problem.op_type) and problem.desc.startswith(subject)
        trouble = problem.desc.removeprefix(subject) if alike else problem.desc
        named = subjects.setdefault(trouble, [])
        if alike and problem.op_type not in named:
            named.append(problem.op_type)
    told = [_together(names, trouble) for trouble, names in subjects.items()]
    more = f"; and {len(told) - _KINDS} more" if len(told) > _KINDS else ""
    return "; ".join(told[:_KINDS]) + more


def _together(operators: Sequence[str], trouble: str) -> str:
    """One sentence about all of these operators, or about none."""
    if not operators:
        return trouble
    if len(operators) == 1:
        return f"operator {operators[0]} {trouble}"
    verb, _, rest = trouble.partition(" ")
    more = f" and {len(operators) - _SHOWN} more" if len(operators) > _SHOWN else ""
    named = ", ".join(operators[:_SHOWN]) + more
    return f"operators {named} {_PLURALS.get(verb, verb)} {rest}"
