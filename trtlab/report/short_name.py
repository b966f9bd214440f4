"""Layers' names as they are shown; in data, and where a tooltip tells all, they stay whole.

The explorer's `names.js` is the same rule, for widths instead of letters.
"""

import re

# Names of nodes, joined by " + "; layers that the builder added are named by sentences.
_NODES = re.compile(r"^\S+( \+|$)")
_SLASH = re.compile(r"(^| \+ )/(?=\S)")
_OPERATOR = re.compile(r"/[A-Z]\w*$", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")


def bare_name(name: str) -> str:
    """A name without the slash that every node of some exporters begins with.

    It tells nothing apart: ``/conv1/Conv + /Relu`` → ``conv1/Conv + Relu``.
    """
    return _SLASH.sub(r"\1", name)


def short_name(name: str, letters: int) -> str:
    """A layer's name in so many letters, without the slash that nodes begin with.

    It is whole, or its first node, or that without the operator, then with initials for words,
    the first words first: ``encoder/layer.0/query/MatMul + …`` → ``encoder/layer.0/query`` →
    ``e/layer.0/query`` → ``e/l.0/query``. What no form of these fits is cut in the middle,
    because the ends differ.
    """
    bare = bare_name(name)
    forms = [bare]
    if _NODES.match(name):
        first = bare.split(" + ")[0]
        place = _OPERATOR.sub("", first)
        words = len(_WORD.findall(place))
        forms += [first, place, *(_initials(place, most) for most in range(1, words + 1))]
    fitting = (form for form in forms if len(form) <= letters)
    return next(fitting, None) or _cut(bare, letters)


def _initials(text: str, most: int) -> str:
    """The text with its first words, so many, told by their initials."""
    return _WORD.sub(lambda found: found[0][0], text, count=most)


def _cut(text: str, letters: int) -> str:
    """A text without its middle."""
    head = (letters - 1) // 2
    return f"{text[:head]}…{text[len(text) - (letters - 1 - head) :]}"
