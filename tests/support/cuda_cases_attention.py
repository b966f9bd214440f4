"""Attentions large enough that a block takes several tiles of queries, or of keys."""

from kernel_conformance import Case, Spec

from trtlab.layers.fused import Attention

_LOOSE = {"rtol": 2e-5, "atol": 2e-5}


def _attentions():
    def packed(batch: int, heads: int, length: int, width: int) -> Spec:
        pitch = 3 * heads * width
        return Spec((batch, heads, length, width), strides=(length * pitch, width, pitch, 1))

    many = packed(2, 140, 161, 16)
    yield Case("full-many-heads", Attention(0.2), (many, many, many), **_LOOSE)
    masked = packed(2, 140, 150, 16)
    mask = Spec((2, 1, 1, 150))
    yield Case("full-many-masked", Attention(0.2), (masked, masked, masked, mask), **_LOOSE)
    x = packed(1, 2, 300, 64)
    yield Case("full-keys", Attention(0.125), (x, x, x), **_LOOSE)
    yield Case("full-keys-causal", Attention(0.125, causal=True), (x, x, x), **_LOOSE)
    mask = Spec((1, 1, 1, 300), low=-8.0)
    yield Case("full-keys-mask", Attention(0.125), (x, x, x, mask), **_LOOSE)
    wide = packed(1, 2, 270, 128)
    scores = Spec((2, 270, 270))
    yield Case("full-keys-scores", Attention(0.1), (wide, wide, wide, scores), **_LOOSE)
    odd = Spec((2, 3, 100, 40)), Spec((2, 3, 220, 40)), Spec((2, 3, 220, 72))
    yield Case("full-odd-widths", Attention(-0.2, causal=True), odd, **_LOOSE)


ATTENTION_CASES = list(_attentions())
