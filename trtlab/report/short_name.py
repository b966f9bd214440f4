"""Layers' names where room is short: what tells the layers of one model apart stays."""

import re

# Names of nodes, joined by " + "; layers that the builder added are named by sentences.
_NODES = re.compile(r"^\S+( \+|$)")
_OPERATOR = re.compile(r"/[A-Z]\w*$")
_WORD = re.compile(r"[A-Za-z]+")


def short_name(name: str, letters: int) -> str:
    """A layer's name in so many letters.

    It is whole, or its first node, or that without the operator, then with initials for words,
    the first words first: ``/encoder/layer.0/query/MatMul + …`` → ``encoder/layer.0/query`` →
    ``e/layer.0/query`` → ``e/l.0/query``. Names that no form of these fits are cut in the middle,
    because their ends differ.
    """
    forms = [name]
    if _NODES.match(name):
        first = name.split(" + ")[0].removeprefix("/")
        place = _OPERATOR.sub("", first)
        words = len(_WORD.findall(place))
        forms += [first, place, *(_initials(place, most) for most in range(1, words + 1))]
    fitting = (form for form in forms if len(form) <= letters)
    return next(fitting, None) or _cut(name, letters)


def _initials(text: str, most: int) -> str:
    """The text with its first words, so many, told by their initials."""
    return _WORD.sub(lambda found: found[0][0], text, count=most)


def _cut(text: str, letters: int) -> str:
    """A text without its middle."""
    head = (letters - 1) // 2
    return f"{text[:head]}…{text[len(text) - (letters - 1 - head) :]}"
