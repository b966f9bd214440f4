import pytest

from trtlab.report.short_name import short_name

QUERY = "/encoder/layer.10/attention/self/query/MatMul + /encoder/layer.10/attention/self/Add"


@pytest.mark.parametrize(
    ("letters", "wanted"),
    [
        (100, QUERY),
        (50, "encoder/layer.10/attention/self/query/MatMul"),
        (40, "encoder/layer.10/attention/self/query"),
        (20, "e/l.10/a/self/query"),
        (16, "e/l.10/a/s/query"),
        (12, "e/l.10/a/s/q"),
        (8, "/en…/Add"),
    ],
)
def test_what_tells_layers_apart_stays(letters: int, wanted: str) -> None:
    assert short_name(QUERY, letters) == wanted


def test_sentences_are_cut_in_the_middle() -> None:
    name = "PWN(/encoder/layer.3/Div, /encoder/layer.3/Erf)"
    assert short_name(name, 21) == f"{name[:10]}…{name[-10:]}"
    assert short_name(name, len(name)) == name


def test_the_layers_of_a_model_keep_names_of_their_own() -> None:
    names = [
        f"/block.{i}/mlp/{part}/MatMul + /x" for i in range(24) for part in ("up", "down")
    ]
    assert len({short_name(name, 14) for name in names}) == len(names)
