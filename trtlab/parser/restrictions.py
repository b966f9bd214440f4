"""What converters do not take of the operators in the catalog, in a few words each."""

_RECURRENT = "the usual activations; no clip, activation_alpha, activation_beta, input_forget"
_IMAGE = "[N, C, H, W] with a known number of channels"
_WINDOW = "no negative pads"
_BY_VALUE = "what it looks at must not depend on the values of the inputs"
_RANDOM = (
    "CPU device only; every inference draws the same numbers, a node without a seed its own"
)
_LAST_INDEX = "select_last_index needs an axis of fixed size"

LISTED = "docs/coverage.md lists what is supported"

RESTRICTIONS: dict[str, str] = {
    "ArgMax": _LAST_INDEX,
    "ArgMin": _LAST_INDEX,
    "Attention": "no softcap, no nonpad_kv_seqlen, no causal mask with past keys",
    "AveragePool": _WINDOW,
    "BatchNormalization": "not in training mode; scale, bias and statistics constant",
    "Cast": "DOUBLE is FLOAT; casts to FP8 saturate",
    "Compress": _BY_VALUE,
    "Conv": _WINDOW,
    "ConvTranspose": f"{_WINDOW}; output_shape needs an input of fixed size",
    "DepthToSpace": _IMAGE,
    "Dropout": "not in training mode",
    "EyeLike": "a matrix of known size",
    "GRU": _RECURRENT,
    "Hardmax": "since opset 13; an axis of known size",
    "If": "the condition is known while parsing",
    "IsInf": "at least one sign",
    "LSTM": _RECURRENT,
    "LayerNormalization": "the normalized output only",
    "LpPool": f"{_WINDOW}, ceil_mode or auto_pad",
    "MaxPool": f"{_WINDOW}; the values only, not the indices",
    "NonZero": _BY_VALUE,
    "Pad": "with axes, the pads are constant",
    "RNN": _RECURRENT,
    "RandomNormal": _RANDOM,
    "RandomNormalLike": _RANDOM,
    "RandomUniform": _RANDOM,
    "RandomUniformLike": _RANDOM,
    "Resize": "scales constant; half_pixel, pytorch_half_pixel, align_corners or asymmetric; "
    "no antialias, no keep_aspect_ratio_policy",
    "ScatterElements": "no reduction",
    "ScatterND": "no reduction",
    "Slice": "a negative step needs constant bounds",
    "SpaceToDepth": _IMAGE,
    "Split": "sizes must not depend on the values of the inputs",
    "Trilu": "k constant",
    "Upsample": "scales constant",
}


def limits_of(op_type: str) -> str:
    """What to heed so that an operator of the catalog can be converted."""
    limits = RESTRICTIONS.get(op_type)
    if limits is None:
        return f"export the model without that; {LISTED}"
    return f"what is supported of {op_type}: {limits}"
