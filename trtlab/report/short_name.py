"""Layers' names where room is short: what tells the layers of one model apart stays."""

import re

# Names of nodes, joined by " + "; layers that the builder added are named by sentences.
_NODES = re.compile(r"^\S+( \+|$)")
_OPERATOR = re.compile(r"/[A-Z]\w*$")
_WORDS_BEFORE_THE_LAST = re.compile(r"[A-Za-z]+(?=.*[./])")
_WORDS = re.compile(r"[A-Za-z]+")


def short_name(name: str, letters: int) -> str:
    """A layer's name in so many letters.

    It is whole, or its first node, or that without the operator, then with initials for words:
    ``/encoder/layer.0/query/MatMul + …`` → ``encoder/layer.0/query`` → ``e/l.0/query``. Names
    that no form of these fits are cut in the middle, because their ends differ.
    """
    forms = [name]
    if _NODES.match(name):
        first = name.split(" + ")[0].removeprefix("/")
        place = _OPERATOR.sub("", first)
        initials = [
            words.sub(lambda found: found[0][0], place)
            for words in (_WORDS_BEFORE_THE_LAST, _WORDS)
        ]
        forms += [first, place, *initials]
    return next((form for form in forms if len(form) <= letters), _cut(name, letters))


def _cut(text: str, letters: int) -> str:
    """A text without its middle."""
    head = (letters - 1) // 2
    return f"{text[:head]}…{text[len(text) - (letters - 1 - head) :]}"
