"""docs/coverage.md says what the code's tables say."""

import re

import pytest

import trtlab as trt
from tests.support.coverage_page import MEMBERS, PAGE, page, spelled
from trtlab.core.module_level import ABSENT
from trtlab.core.public_names import PUBLIC
from trtlab.parser.catalog import CONVERTERS
from trtlab.parser.restrictions import RESTRICTIONS

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    assert page() == TEXT, "run: python -m tests.support.coverage_page"


def test_its_first_table_is_the_parsers_catalog():
    first = TEXT.partition("## ONNX operators")[2].partition("## Missing")[0]
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (.*?) ?\|$", first, re.MULTILINE)
    assert {name: int(opset) for name, opset, _ in rows} == {
        name: entry.min_opset for name, entry in CONVERTERS.items()
    }
    assert {name: text for name, _, text in rows if text} == RESTRICTIONS


def test_restrictions_are_about_operators_that_exist():
    assert set(RESTRICTIONS) <= set(CONVERTERS)


@pytest.mark.parametrize("kind", [k for k in MEMBERS if k != "BuilderFlag"])
def test_missing_members_are_missing(kind):
    assert MEMBERS[kind]
    assert not [name for name in MEMBERS[kind] if hasattr(getattr(trt, kind), name)]


def test_refused_flags_are_refused():
    config = trt.Builder(trt.Logger()).create_builder_config()
    for name in MEMBERS["BuilderFlag"]:
        with pytest.raises(trt.UnsupportedError, match=name):
            config.set_flag(trt.BuilderFlag[name])


def test_missing_names_of_the_module_are_missing():
    whole = [n for pattern in ABSENT.values() for n in spelled(pattern) if "…" not in n]
    assert {"ISerializationConfig", "IQuantizeLayer", "LoopOutput", "plugin"} <= set(whole)
    assert not {*whole} & {*PUBLIC}
    assert not [name for name in whole if hasattr(trt, name)]


def test_the_readme_leads_there():
    readme = PAGE.parents[1] / "README.md"
    assert "](docs/coverage.md)" in readme.read_text(encoding="utf-8")
