"""Layers' names and how they are shown: examples that Python's rule and JavaScript's both keep."""

_QUERY = "/encoder/layer.10/attention/self/query/MatMul + /encoder/layer.10/attention/self/Add"
_ERF = "PWN(/encoder/layer.3/Div, /encoder/layer.3/Erf)"

# A name, so many letters, and what they show.
SHOWN: list[tuple[str, int, str]] = [
    # No name begins with a slash, whole or shortened; those inside of a name stay.
    (_QUERY, 100, _QUERY[1:].replace("+ /", "+ ")),
    ("/features.1.conv/1/Conv", 40, "features.1.conv/1/Conv"),
    ("/conv1/Conv + /Relu", 40, "conv1/Conv + Relu"),
    ("conv1 + /layer1/Add", 40, "conv1 + layer1/Add"),
    ("PWN(/layer.3/Div)", 40, "PWN(/layer.3/Div)"),
    ("/Cast_output_0 to fp16", 40, "Cast_output_0 to fp16"),
    ("/features.1.conv/1", 17, "features.1.conv/1"),
    ("short", 5, "short"),
    ("/", 5, "/"),
    ("/ + /", 5, "/ + /"),
    # What tells layers apart stays longest.
    (_QUERY, 50, "encoder/layer.10/attention/self/query/MatMul"),
    (_QUERY, 40, "encoder/layer.10/attention/self/query"),
    (_QUERY, 20, "e/l.10/a/self/query"),
    (_QUERY, 16, "e/l.10/a/s/query"),
    (_QUERY, 12, "e/l.10/a/s/q"),
    ("/encoder/layer.3/mlp/dense/MatMul + /encoder/layer.3/Add", 16, "e/l.3/mlp/dense"),
    # What has no such form is cut in the middle.
    (_QUERY, 8, "enc…/Add"),
    ("/Cast_output_0 to fp16", 10, "Cast… fp16"),
    (_ERF, 21, "PWN(/encod…yer.3/Erf)"),
    (_ERF, len(_ERF), _ERF),
    ("a_word_without_any_place_in_a_model.12", 3, "a…2"),
]
