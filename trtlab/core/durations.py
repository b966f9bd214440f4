"""Spans of time that people ask for."""

LONGEST = 1e9


def is_duration(value: float) -> bool:
    """Whether something can last so long, in whichever unit.

    Never ending things (inf), undefined ones (nan) and those beyond every clock are slips: a
    loop that waits for them does not return.
    """
    return 0 <= value <= LONGEST
