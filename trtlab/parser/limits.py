"""Bounds that no honest model reaches; a file that goes past one is refused unread."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model may ask for.

    Attributes:
        nodes: Nodes of the graph after functions are expanded.
        rank: Dimensions of a tensor.
        elements: Elements of one tensor, given or computed.
        filled_bytes: Bytes of all constants that the file only describes (ConstantOfShape,
            Range, EyeLike), together.
        known_elements: Elements of a tensor that is computed while parsing because a converter
            needs its value.
    """

    nodes: int = 1_000_000
    rank: int = 16
    elements: int = 1 << 40
    filled_bytes: int = 4 << 30
    known_elements: int = 1 << 22


LIMITS = Limits()
