"""The colours of layer types, and looks of parts of a time: for Python, CSS and JavaScript.

Layer types are grouped into nine families: nobody tells fifty colours apart. Within each theme
every two families differ by at least 15 (CIE76) for normal sight and for simulated
protanopia, deuteranopia and tritanopia; a test computes it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Layer types that share a colour.

    Attributes:
        key: Name in CSS variables (``--t-conv``).
        label: What a person reads.
        light: Colour on light backgrounds.
        dark: Colour on dark backgrounds.
        kinds: Layer types, as `LayerRecord.type` spells them.
    """

    key: str
    label: str
    light: str
    dark: str
    kinds: frozenset[str]


def _kinds(words: str) -> frozenset[str]:
    return frozenset(words.split())


FAMILIES: tuple[Family, ...] = (
    Family("conv", "Convolution", "#3e78ea", "#84acff", _kinds("CONVOLUTION DECONVOLUTION")),
    Family(
        "matmul",
        "Matrix multiply",
        "#d93f19",
        "#d57025",
        _kinds("MATRIX_MULTIPLY EINSUM FULLY_CONNECTED"),
    ),
    Family(
        "attention",
        "Attention & recurrent",
        "#8a2eba",
        "#916cc1",
        _kinds("ATTENTION RNN_V2 LOOP RECURRENCE ROTARY_EMBEDDING KV_CACHE_UPDATE MOE"),
    ),
    Family(
        "pointwise",
        "Pointwise",
        "#248b74",
        "#3bb87f",
        _kinds("POINTWISE ACTIVATION ELEMENTWISE UNARY SCALE PARAMETRIC_RELU SELECT"),
    ),
    Family(
        "norm",
        "Normalize & softmax",
        "#e09b08",
        "#dccb25",
        _kinds("NORMALIZATION LRN SOFTMAX RAGGED_SOFTMAX"),
    ),
    Family(
        "reduce",
        "Pool & reduce",
        "#ab2951",
        "#ff75b0",
        _kinds("POOLING REDUCE TOPK CUMULATIVE NON_ZERO NMS"),
    ),
    Family(
        "move",
        "Data movement",
        "#39a7de",
        "#95ddf3",
        _kinds(
            "SHUFFLE SQUEEZE UNSQUEEZE CONCATENATION SLICE PADDING RESIZE EXPAND GATHER"
            " SCATTER ONE_HOT REVERSE_SEQUENCE GRID_SAMPLE"
        ),
    ),
    Family(
        "reformat",
        "Reformat & cast",
        "#714722",
        "#a0693f",
        _kinds("REFORMAT CAST IDENTITY QUANTIZE DEQUANTIZE DYNAMIC_QUANTIZE"),
    ),
    Family("other", "Other", "#729ba8", "#7b8a8b", frozenset()),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Parts of an inference's time, and phases of a build, that look the same.

    Attributes:
        key: Name in CSS variables (``--t-part-layers``).
        light: Colour on light backgrounds.
        dark: Colour on dark backgrounds.
        names: As `Report.reconciliation_ms` and `BuildRecord.phases` spell them.
        stripes: Their direction in degrees and the width of their gaps in pixels; None: plain.
    """

    key: str
    light: str
    dark: str
    names: frozenset[str]
    stripes: tuple[int, int] | None = None

    def css(self, theme: str) -> str:
        """What fills an area of it: a colour, or stripes of one."""
        colour = self.dark if theme == "dark" else self.light
        if self.stripes is None:
            return colour
        angle, gap = self.stripes
        end = f"{_STRIPE_PX + gap}px"
        ground = f"{colour}{_GROUND}"
        bands = f"{colour} 0 {_STRIPE_PX}px, {ground} {_STRIPE_PX}px {end}"
        return f"repeating-linear-gradient({angle}deg, {bands})"


_STRIPE_PX, _GROUND = 2, "40"  # a stripe's width, and how dense the ground between is, of ff

# No part has a layer type's hue, as both stand on one page. The layers have the one accent, what
# waits is a plain grey, and stripes are data that moves, what nobody can explain, or the gaps'
# own where they lie at the ends of computing.
UNKNOWN_PART = "part-rest"
PARTS: tuple[Part, ...] = (
    Part("part-layers", "#729036", "#a5d570", frozenset({"layers", "Select tactics"})),
    Part("part-launch", "#726662", "#a4968e", frozenset({"launch", "Compile kernels"})),
    Part(
        "part-in",
        "#726662",
        "#a4968e",
        frozenset({"copy in", "copies", "Pack weights"}),
        (135, 2),
    ),
    Part(
        "part-out",
        "#726662",
        "#a4968e",
        frozenset({"copy out", "Keep compiled code"}),
        (45, 2),
    ),
    Part("part-gaps", "#271d1a", "#ffefe7", frozenset({"gaps", "Optimize network"})),
    Part("part-ends", "#271d1a", "#ffefe7", frozenset({"begin and end"}), (0, 2)),
    Part("part-over", "#9d918c", "#7a6d66", frozenset({"hand-over", "Prove tactics"})),
    Part("part-wake", "#4b403c", "#d0c1b9", frozenset({"wake-up", "Plan memory"})),
    Part("part-rest", "#726662", "#a4968e", frozenset({"unexplained"}), (90, 4)),
)

# What the parts add up to, in a picture of its own: neither a part's look nor a layer type's.
WHOLE = Part("part-whole", "#606c7d", "#a2aebc", frozenset({"end to end"}))

_INDEX = {kind: index for index, family in enumerate(FAMILIES) for kind in family.kinds}
OTHER = len(FAMILIES) - 1
_UNKNOWN = next(part for part in PARTS if part.key == UNKNOWN_PART)


def family_index(kind: str) -> int:
    """Position in `FAMILIES` of a layer type; types that are in no family count as other."""
    return _INDEX.get(kind.upper(), OTHER)


def kind_label(kind: str) -> str:
    """A layer type as a person reads it: ``MATRIX_MULTIPLY`` → ``Matrix multiply``."""
    words = kind.replace("_", " ").strip().lower()
    return words[:1].upper() + words[1:]


def part_of(name: str) -> Part:
    """The look of a part of an inference or of a build: the same in every report."""
    return next((part for part in PARTS if name in part.names), _UNKNOWN)


def part_colour(name: str) -> str:
    """The colour's key of a part."""
    return part_of(name).key


def palette_css(theme: str) -> str:
    """All colours as CSS custom properties of one theme (``light`` or ``dark``)."""
    filled = {f.key: f.dark if theme == "dark" else f.light for f in FAMILIES}
    filled |= {part.key: part.css(theme) for part in (*PARTS, WHOLE)}
    return " ".join(f"--t-{key}: {value};" for key, value in filled.items())
