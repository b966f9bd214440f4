from collections import defaultdict
from itertools import combinations, product

import numpy as np
import pytest
from trtlab_widgets.palette import (
    FAMILIES,
    OTHER,
    PARTS,
    UNKNOWN_PART,
    WHOLE,
    Family,
    Part,
    family_index,
    kind_label,
    palette_css,
    part_colour,
)

from trtlab.layers.catalog import OPS
from trtlab.report.latency_parts import MEANINGS

# Machado, Oliveira and Fernandes 2009, severity 1, on linear sRGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x = XYZ @ rgb / XYZ.sum(axis=1)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(colour: str, background: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(c)) for c in (colour, background))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", list(SIGHT))
def test_families_differ_for_every_kind_of_sight(theme: str, sight: str) -> None:
    seen = [lab(np.clip(SIGHT[sight] @ linear(getattr(f, theme)), 0, 1)) for f in FAMILIES]
    distances = {
        (a.key, b.key): float(np.linalg.norm(seen[i] - seen[j]))
        for (i, a), (j, b) in combinations(enumerate(FAMILIES), 2)
    }
    worst = min(distances, key=lambda pair: distances[pair])
    assert distances[worst] >= 15, worst


@pytest.mark.parametrize(
    ("theme", "background", "least"), [("light", "#ffffff", 2.3), ("dark", "#15181e", 3.5)]
)
def test_colours_stand_out_from_the_background(
    theme: str, background: str, least: float
) -> None:
    weak = {f.key: contrast(getattr(f, theme), background) for f in FAMILIES}
    assert min(weak.values()) >= least, weak


def test_every_layer_type_that_computes_has_a_family() -> None:
    unknown = {kind for kind in OPS if family_index(kind) == OTHER}
    assert unknown <= {"CONSTANT", "SHAPE", "FILL"}


def test_no_layer_type_is_in_two_families() -> None:
    for a, b in combinations(FAMILIES, 2):
        assert not a.kinds & b.kinds


def test_unknown_types_are_other() -> None:
    assert family_index("PLUGIN_V3") == OTHER
    assert family_index("convolution") == 0


def test_labels_and_css_properties() -> None:
    assert kind_label("MATRIX_MULTIPLY") == "Matrix multiply"
    assert f"--t-conv: {FAMILIES[0].dark};" in palette_css("dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_parts_of_a_time_have_a_look_each_that_all_can_tell(theme: str) -> None:
    assert {part_colour(name) for name in MEANINGS} == {part.key for part in PARTS}
    assert part_colour("what nobody knows") == UNKNOWN_PART
    looks = defaultdict(list)
    for part in PARTS:
        looks[part.stripes].append(part)
    for parts, sight in product(looks.values(), SIGHT.values()):
        seen = [lab(np.clip(sight @ linear(getattr(p, theme)), 0, 1)) for p in parts]
        nearest = [float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)]
        assert min(nearest, default=15.0) >= 15, parts


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", list(SIGHT))
def test_the_whole_is_not_taken_for_a_part(theme: str, sight: str) -> None:
    """It stands in pictures of its own, and once at the end of its parts."""

    def seen(part: Part) -> np.ndarray:
        return lab(np.clip(SIGHT[sight] @ linear(getattr(part, theme)), 0, 1))

    plain = [part for part in PARTS if part.stripes is None]
    assert min(float(np.linalg.norm(seen(WHOLE) - seen(part))) for part in plain) >= 12


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("sight", "least"), [(s, 14 if s == "normal" else 6) for s in SIGHT])
def test_no_part_is_taken_for_a_layer_type(theme: str, sight: str, least: float) -> None:
    """Both stand on one page. A simulated eye sees fewer colours, so they lie closer."""

    def seen(each: Family | Part) -> np.ndarray:
        return lab(np.clip(SIGHT[sight] @ linear(getattr(each, theme)), 0, 1))

    distances = {
        (part.key, family.key): float(np.linalg.norm(seen(part) - seen(family)))
        for part, family in product((*PARTS, WHOLE), FAMILIES)
        if part.stripes is None
    }
    worst = min(distances, key=lambda pair: distances[pair])
    assert distances[worst] >= least, (worst, distances[worst])


@pytest.mark.parametrize(
    ("theme", "background"), [("light", "#ffffff"), ("dark", "#15181e"), ("dark", "#212121")]
)
def test_parts_stand_out_from_the_background(theme: str, background: str) -> None:
    """Of an exported page, and of JupyterLab's own in the dark."""
    weak = {part.key: contrast(getattr(part, theme), background) for part in (*PARTS, WHOLE)}
    assert min(weak.values()) >= 3, weak


def test_stripes_are_of_the_parts_colour() -> None:
    stripes = "repeating-linear-gradient(135deg, #726662 0 2px, #72666240 2px 4px)"
    assert f"--t-part-in: {stripes};" in palette_css("light")
    assert "--t-part-in: repeating-linear-gradient(135deg, #a4968e" in palette_css("dark")
    assert "--t-part-layers: #729036;" in palette_css("light")
