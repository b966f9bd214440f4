"""Front-end files as the one module and the one style sheet that a host takes.

The JavaScript lies in small ES modules. A widget's code travels as one text, so they are
joined here in the order in which they import each other, each in a function of its own that
returns what it exports: no build step, no Node. It understands the plain forms of import and
export that these files use, and refuses others.
"""

import re
from functools import cache
from pathlib import Path

from trtlab.core.errors import InternalError
from trtlab_widgets.palette import palette_css

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import (?P<names>\w+|\{[^}]*\}) from "\./(?P<file>\w+)\.js";$', re.M)
_EXPORT = re.compile(
    r"^export (?=(?:async function|function|const|class) (?P<name>\w+))", re.M
)
_DEFAULT = re.compile(r"^export default ", re.M)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.M)


@cache
def script(entry: str) -> str:
    """One ES module with everything that an entry (``explorer``) imports.

    The entry's default export is the module's.

    Raises:
        FileNotFoundError: A module imports a file that is not there.
        InternalError: A module uses a form of import or export that is not understood.
    """
    parts: dict[str, str] = {}
    _collect(entry, parts)
    return "\n".join([*parts.values(), f"export default ${entry}.default;\n"])


def _collect(name: str, parts: dict[str, str]) -> None:
    """Add a module after everything that it imports."""
    if name in parts:
        return
    source = (_HERE / "js" / f"{name}.js").read_text(encoding="utf-8")
    for found in _IMPORT.finditer(source):
        _collect(found["file"], parts)
    exported = [found["name"] for found in _EXPORT.finditer(source)]
    body = _EXPORT.sub("", _IMPORT.sub(_binding, source))
    body, defaults = _DEFAULT.subn("const $default = ", body)
    left = _LEFT_OVER.search(body)
    if left:
        raise InternalError(f"cannot join {left[0]!r}", where=[f"{name}.js"])
    if defaults:
        exported.append("default: $default")
    parts[name] = (
        f"const ${name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
    )


def _binding(found: re.Match[str]) -> str:
    member = "" if found["names"].startswith("{") else ".default"
    return f"const {found['names']} = ${found['file']}{member};"


@cache
def style(*names: str) -> str:
    """Style sheets joined, after the tokens that all of them use."""
    texts = [
        (_HERE / "css" / name).read_text(encoding="utf-8") for name in ("tokens.css", *names)
    ]
    return "\n".join([texts[0], _themes(), *texts[1:]])


_DARK = (
    "--t-page: #15181e; --t-text: #e4e7ec; --t-brand: #79a9ff; --t-warn: #f0a54a;"
    " --t-bad: #ff8078; --t-good: #5ccb86; color-scheme: dark;"
)


def _themes() -> str:
    """Light by default; dark where the notebook, the element or else the system says so."""
    dark = f"{_DARK} {palette_css('dark')}"
    return (
        f".trtl {{ color-scheme: light; {palette_css('light')} }}\n"
        f'body[data-jp-theme-light="false"] .trtl, .trtl[data-theme="dark"] {{ {dark} }}\n'
        "@media (prefers-color-scheme: dark) {\n"
        '  body:not([data-jp-theme-light]) .trtl:not([data-theme="light"])'
        f" {{ {dark} }}\n}}\n"
    )
