"""How a tensor lies in memory, in the words of TensorRT's engine inspector."""

_TYPES = {"int8": "Int8", "int32": "Int32", "int64": "Int64", "bool": "Bool"}
_PHRASES = {
    "linear": "Row major linear {type}",
    "hwc": "Channel major {type} format",
    "hwc8": "Channel major {type} format where channel % 8 == 0",
    "hwc16": "Channel major {type} format where channel % 16 == 0",
    "chw2": "Two wide channel vectorized row major {type} format",
    "chw4": "Four wide channel vectorized row major {type} format",
    "chw16": "Sixteen wide channel vectorized row major {type} format",
    "chw32": "Thirty-two wide channel vectorized row major {type} format",
}


def type_word(dtype: str) -> str:
    """``FP32`` for ``fp32``, ``Int8`` for ``int8``."""
    return _TYPES.get(dtype, dtype.upper())


def format_phrase(layout: str, dtype: str) -> str:
    """Format and type in one phrase: ``Row major linear FP32``.

    Args:
        layout: As records spell it, such as ``hwc8``.
        dtype: As records spell it, such as ``fp16``.
    """
    return _PHRASES.get(layout, layout + " {type} format").format(type=type_word(dtype))
