import re
from pathlib import Path

import pytest
from trtlab_widgets.live import bundle

from trtlab.core.errors import InternalError

HERE = Path(bundle.__file__).parent
ENTRIES = ("explorer", "monitor", "code_view", "standalone")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_bundle_is_one_module_with_a_default_export(entry: str) -> None:
    text = bundle.script(entry)
    assert not re.search(r"^import\b", text, re.M)
    assert re.findall(r"^export.*", text, re.M) == [f"export default ${entry}.default;"]


def test_modules_come_after_what_they_import() -> None:
    text = bundle.script("explorer")
    position = {
        name: text.index(f"const ${name} = ")
        for name in re.findall(r"const \$(\w+) =", text)
        if name != "default"
    }
    for user, used in re.findall(r"const \$(\w+) = \(\(\) => \{\n((?:.*\n)*?)return", text):
        for other in re.findall(r"= \$(\w+)(?:\.default)?;", used):
            assert position[other] < position[user]


def test_every_file_is_used_by_some_entry() -> None:
    together = "".join(bundle.script(entry) for entry in ENTRIES)
    for path in (HERE / "js").glob("*.js"):
        assert f"const ${path.stem} = " in together


def test_forms_that_are_not_understood_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "odd.js").write_text('import * as all from "./other.js";\n')
    monkeypatch.setattr(bundle, "_HERE", tmp_path)
    with pytest.raises(InternalError, match="cannot join"):
        bundle.script.__wrapped__("odd")


def test_styles_bring_both_themes_and_all_families() -> None:
    text = bundle.style("explorer.css")
    assert text.count("--t-conv: ") == 3
    assert 'body[data-jp-theme-light="false"] .trtl' in text
    assert "prefers-color-scheme: dark" in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in [*(HERE / "js").glob("*.js"), *(HERE / "css").glob("*.css")]:
        links = re.findall(r"https?://[^\s\"']+", path.read_text())
        assert set(links) <= {"http://www.w3.org/2000/svg"}, path
