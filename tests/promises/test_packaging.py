"""The files around the code agree with each other: dependencies, licence, changelog."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def _environment():
    """The conda packages with their bounds, and what is left to pip."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    conda = re.findall(r"^  - ([\w-]+)([<>=!][^\s#]*)$", text, re.MULTILINE)
    pip = re.findall(r"^      - (.+)$", text, re.MULTILINE)
    return dict(conda), pip


def _declared():
    project = PROJECT["project"]
    entries = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        entries += extra
    found = {}
    for requirement in map(Requirement, entries):
        found.setdefault(requirement.name, set()).add(requirement.specifier)
    return found


CONDA, PIP = _environment()


@pytest.mark.parametrize("name", sorted(set(CONDA) - {"python"}))
def test_conda_and_pip_ask_for_the_same_versions(name):
    assert _declared()[name] == {SpecifierSet(CONDA[name])}


def test_conda_takes_the_pythons_that_the_project_names():
    bounds = SpecifierSet(CONDA["python"])
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
    minors = [f"3.{minor}" for minor in range(8, 20)]
    assert [v for v in minors if v in bounds] == named
    lowest = SpecifierSet(PROJECT["project"]["requires-python"])
    assert next(v for v in minors if v in lowest) == named[0]


def test_conda_leaves_the_project_itself_to_pip():
    extras = PROJECT["project"]["optional-dependencies"]
    (line,) = PIP
    asked = re.fullmatch(r"-e \.\[([\w,]+)\]", line)
    assert asked
    assert set(asked[1].split(",")) <= set(extras)
    hints = re.findall(r"`-e \.\[([\w,]+)\]`", (ROOT / "environment.yml").read_text())
    assert hints
    assert all(set(hint.split(",")) <= set(extras) for hint in hints)


def test_the_two_cuda_extras_differ_in_their_version_only():
    extras = PROJECT["project"]["optional-dependencies"]

    def names(version):
        return sorted(
            re.sub(rf"(cuda|cu){version}x?", r"\1", f"{r.name}{sorted(r.extras)}")
            for r in map(Requirement, extras[f"cuda{version}"])
        )

    assert names(12) == names(13)


def test_the_wheel_holds_every_package():
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    there = {
        str(init.parent.relative_to(ROOT))
        for pattern in ("*/__init__.py", "widgets/*/__init__.py")
        for init in ROOT.glob(pattern)
    }
    assert there == set(packages)
    for package in packages:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            assert (folder / "__init__.py").exists(), folder


def test_the_licence_is_apache():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert PROJECT["project"]["license-files"] == ["LICENSE"]
    assert re.match(r"\s*Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert "\nApache-2.0." in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_changelog_tells_of_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert headings[0] in {"Unreleased", PROJECT["project"]["version"]}
    entries = text.split("\n## ")[1]
    assert len(re.findall(r"^- \S", entries, re.MULTILINE)) >= 3


def test_decisions_are_numbered_without_holes():
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_what_and_why(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    parts = re.findall(r"^\*\*([^*]+)\.\*\*", text, re.MULTILINE)
    assert parts[0] == "Problem"
    assert "Decision" in parts
