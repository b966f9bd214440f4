"""How long a phase of a build still takes, said only once its steps tell it soundly.

Steps differ: one layer's kernels compile for seconds, the next are known already. So there is
no estimate before several steps took a few seconds together, none while the pace of all steps
and that of their latter half disagree, and a new one moves the old one only gradually.
"""

from math import exp

_FEWEST_STEPS = 4
_LEAST_S = 2.0
_LEAST_SHARE = 0.05  # of the phase's steps
_AGREE, _STILL_AGREE = 1.7, 3.0  # ratio of the paces: to begin to estimate, and to go on
_SETTLE_S = 4.0  # after which two thirds of a change are shown


class TimeLeft:
    """The estimate for one phase.

    Args:
        steps: How many steps the phase has.
        now_s: When it began.
    """

    def __init__(self, steps: int, now_s: float) -> None:
        self._steps = steps
        self._times_s = [now_s]  # when each number of steps was done
        self._told_s = now_s
        self._end_s: float | None = None  # when the phase is expected to end

    def after(self, done: int, now_s: float) -> float | None:
        """Seconds left after so many steps; None while nobody can soundly tell.

        Args:
            done: Steps that are done by now; fewer than before count for nothing.
            now_s: The present, on the same clock as the beginning.
        """
        done = min(done, self._steps)
        self._times_s += [now_s] * (done + 1 - len(self._times_s))
        expected_s = self._expected_s(now_s)
        if expected_s is None or self._end_s is None:
            self._end_s = expected_s
        else:
            weight = 1 - exp((self._told_s - now_s) / _SETTLE_S)
            self._end_s += weight * (expected_s - self._end_s)
        self._told_s = now_s
        return None if self._end_s is None else max(0.0, self._end_s - now_s)

    def _expected_s(self, now_s: float) -> float | None:
        """When the phase ends if it goes on like this; None when its pace is not settled."""
        times_s, done = self._times_s, len(self._times_s) - 1
        enough = max(_FEWEST_STEPS, _LEAST_SHARE * self._steps)
        if done < enough or now_s - times_s[0] < _LEAST_S:
            return None
        half = done // 2
        # The step under way counts with what it has taken: a long one slows the pace down.
        whole = max((times_s[done] - times_s[0]) / done, (now_s - times_s[0]) / (done + 1))
        latter = max(
            (times_s[done] - times_s[half]) / (done - half),
            (now_s - times_s[half]) / (done - half + 1),
        )
        allowed = _AGREE if self._end_s is None else _STILL_AGREE
        if max(whole, latter) > allowed * min(whole, latter):
            return None
        left = (self._steps - done) * (whole + latter) / 2
        return now_s + left
