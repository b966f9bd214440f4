"""The tactics that a device offers, by operator type."""

from collections.abc import Iterable

from trtlab.core.errors import InternalError
from trtlab.layers.base import Op
from trtlab.tactics.tactic import Tactic


class TacticRegistry:
    """An explicit table, filled by a device's catalog and passed to whoever chooses."""

    def __init__(self) -> None:
        self._by_op: dict[type[Op], list[Tactic]] = {}
        self._by_name: dict[str, Tactic] = {}

    def add(self, op: type[Op], tactics: Iterable[Tactic]) -> None:
        """Offer tactics for an operator type.

        Raises:
            InternalError: A name is taken by another tactic.
        """
        for tactic in tactics:
            known = self._by_name.setdefault(tactic.name, tactic)
            if known is not tactic:
                raise InternalError(f"two tactics are named {tactic.name}")
            self._by_op.setdefault(op, []).append(tactic)

    def candidates(self, op: Op) -> tuple[Tactic, ...]:
        """All tactics for an operator, in the catalog's order."""
        return tuple(self._by_op.get(type(op), ()))

    def find(self, name: str) -> Tactic | None:
        """The tactic of that name."""
        return self._by_name.get(name)

    def stand_ins(self, tactic: Tactic, op: Op) -> tuple[Tactic, ...]:
        """Other places in the same ranking of a library, which take the same packed constants.

        At other shapes than those for which it was chosen a place may be missing.
        """
        if not tactic.ranked:
            return ()
        others = (t for t in self.candidates(op) if type(t) is type(tactic))
        return tuple(other for other in others if other is not tactic)

    def sources(self) -> frozenset[str]:
        """Where the tactics come from."""
        return frozenset(tactic.source for tactic in self._by_name.values())

    def names(self) -> tuple[str, ...]:
        """Every tactic's name."""
        return tuple(self._by_name)
