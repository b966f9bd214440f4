"""Which trtlab it is, with and without an installation, a checkout and git."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import trtlab
from trtlab.cli.main import main
from trtlab.core import version
from trtlab.core.version import checkout_commit, exact_version, package_version

COMMIT = "1a2b3c4d5e6f" + "0" * 28
PACKED = f"# pack-refs\n{'f' * 40} refs/heads/x\n{COMMIT} refs/heads/main\n"
PROJECT = '[project]\nname = "{}"\nversion = "3.2.1"\n'


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that stands for the one beside which the package lies."""
    calls = (package_version, exact_version)
    monkeypatch.setattr(version, "_ROOT", tmp_path)
    for call in calls:
        call.cache_clear()
    yield tmp_path
    for call in calls:
        call.cache_clear()


def repository(folder, head="ref: refs/heads/main", loose=COMMIT, packed=""):
    git = folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text(head + "\n")
    if loose:
        (git / "refs" / "heads" / "main").write_text(loose + "\n")
    if packed:
        (git / "packed-refs").write_text(packed)


def test_a_checkout_needs_no_installation(checkout, monkeypatch):
    monkeypatch.setattr(version, "version", lambda name: pytest.fail(f"asked for {name}"))
    (checkout / "pyproject.toml").write_text(PROJECT.format("trtlab"))
    assert package_version() == exact_version() == "3.2.1"


def test_a_checkout_names_its_commit(checkout):
    (checkout / "pyproject.toml").write_text(PROJECT.format("trtlab"))
    repository(checkout)
    assert package_version() == "3.2.1"
    assert exact_version() == "3.2.1+g1a2b3c4d5"  # git itself finds no objects there


def test_without_a_checkout_the_installed_version_counts(checkout, monkeypatch):
    monkeypatch.setattr(version, "version", lambda name: "0.9.0")
    (checkout / "pyproject.toml").write_text(PROJECT.format("somebodys-application"))
    repository(checkout)  # not ours: it says nothing of trtlab
    assert package_version() == exact_version() == "0.9.0"


def test_what_cannot_be_found_out_is_left_out(checkout, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    (checkout / "pyproject.toml").write_text("no [toml")
    assert package_version() == exact_version() == "0"


@pytest.mark.parametrize(
    "places",
    [
        {"head": COMMIT, "loose": ""},
        {"head": "ref: refs/heads/main"},
        {"loose": "", "packed": PACKED},
    ],
    ids=["detached", "branch", "packed"],
)
def test_the_commit_is_read_from_gits_files(tmp_path, places):
    repository(tmp_path, **places)
    assert checkout_commit(tmp_path) == COMMIT


def test_a_worktree_finds_its_branch_among_the_others(tmp_path):
    repository(tmp_path / "main")
    own = tmp_path / "main" / ".git" / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "commondir").write_text("../..\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(f"gitdir: {own}\n")
    assert checkout_commit(tmp_path / "w") == COMMIT


@pytest.mark.parametrize("head", ["ref: refs/heads/unborn", "", "ref: ", "\xff\xfe nonsense"])
def test_odd_repositories_have_no_commit(tmp_path, head):
    repository(tmp_path, head=head)
    assert checkout_commit(tmp_path) == ""
    assert checkout_commit(tmp_path / "nowhere") == ""


def test_changes_are_told(checkout):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(checkout), *who, *words], check=True)

    (checkout / "pyproject.toml").write_text(PROJECT.format("trtlab"))
    source = checkout / "trtlab" / "a.py"
    source.parent.mkdir()
    source.write_text("1\n")
    try:
        git("init", "-q")
    except OSError:
        pytest.skip("git is not installed")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (checkout / "notes.txt").write_text("beside the packages")
    assert exact_version() == f"3.2.1+g{checkout_commit(checkout)[:9]}"
    source.write_text("2\n")
    exact_version.cache_clear()
    assert exact_version() == f"3.2.1+g{checkout_commit(checkout)[:9]}.dirty"


def test_the_package_and_the_command_say_it(capsys):
    assert trtlab.__version__ == package_version() != "0"
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"trtlab {exact_version()}\n"
    assert exact_version().startswith(trtlab.__version__)


def test_importing_the_package_reads_none_of_it():
    code = "import sys, trtlab; assert 'trtlab.core.version' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(trtlab.__file__).parents[1]
    )
