"""The shape of the code itself: short modules that say what they are for, no blanket excuses."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [*ROOT.glob("trtlab/**/*.py"), *ROOT.glob("widgets/**/*.py")]
EVERYTHING = [*PACKAGES, *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")]
LONGEST = 430
# Packages whose names load on first use, and therefore are code; all others are maps.
LAZY = {"trtlab/__init__.py", "trtlab/zoo/__init__.py"}
EMPTY_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
# Excuses that name no rule hide every mistake of their line; `noqa: X1` and `ignore[rule]` do.
BLANKET = (
    re.compile(r"#\s*noqa\s*(?!:\s*[A-Z]+\d)", re.IGNORECASE),
    re.compile(r"#\s*type:\s*ignore\b(?!\[)"),
    re.compile(r"#\s*pyright:\s*ignore\b(?!\[)"),
    re.compile(r"#\s*pyright:\s*basic\b"),
)


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _comments(path):
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def _excuses(text):
    return [pattern.pattern for pattern in BLANKET if pattern.search(text)]


def test_modules_are_short():
    assert len(PACKAGES) > 250
    lengths = {_name(path): len(path.read_text("utf-8").splitlines()) for path in PACKAGES}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_every_module_says_what_it_is_for():
    silent = [
        _name(path) for path in PACKAGES if not ast.get_docstring(ast.parse(path.read_bytes()))
    ]
    assert silent == []


def test_no_module_has_an_empty_name():
    assert [_name(path) for path in PACKAGES if path.stem in EMPTY_NAMES] == []


def _mapped(path):
    """The names that a room's map explains: `a`: …, or `a`, `b`: …"""
    text = ast.get_docstring(ast.parse(path.read_bytes()))
    lists = re.findall(r"((?:`+\w+`+, )*`+\w+`+):(?= )", text)
    return [name for names in lists for name in re.findall(r"\w+", names)]


@pytest.mark.parametrize(
    "init", [p for p in PACKAGES if p.name == "__init__.py" and _mapped(p)], ids=_name
)
def test_what_a_rooms_map_explains_is_there(init):
    there = {path.stem for path in init.parent.iterdir()}
    assert [name for name in _mapped(init) if name not in there] == []


def test_most_rooms_have_a_map():
    inits = [p for p in PACKAGES if p.name == "__init__.py" and _name(p) not in LAZY]
    assert sum(bool(_mapped(p)) for p in inits) > 0.8 * len(inits)


def test_a_rooms_init_is_a_map_without_code():
    inits = {_name(path): path for path in PACKAGES if path.name == "__init__.py"}
    assert len(inits) > 20
    with_code = {
        name for name, path in inits.items() if len(ast.parse(path.read_bytes()).body) != 1
    }
    assert with_code == LAZY


@pytest.mark.parametrize(
    ("comment", "count"),
    [
        ("# noqa", 1),
        ("# NOQA - a reason", 1),
        ("# type: ignore", 1),
        ("# pyright: ignore  because", 1),
        ("# noqa: F401 - a reason", 0),
        ("# ruff: noqa: ANN401, ARG001  (a reason)", 0),
        ("# type: ignore[attr-defined]", 0),
        ("# pyright: ignore[reportPrivateUsage]", 0),
    ],
)
def test_blanket_excuses_are_recognized(comment, count):
    assert len(_excuses(comment)) == count


def test_no_excuse_is_a_blanket():
    found = [
        f"{_name(path)}:{line}: {text}"
        for path in EVERYTHING
        for line, text in _comments(path)
        if _excuses(text)
    ]
    assert found == []
