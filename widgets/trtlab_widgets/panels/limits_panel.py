"""What the builder may use: streams, memory pools, tactic sources, time to search."""

import ipywidgets as w

from trtlab.session.requests import DEFAULT_OPTIMIZATION_LEVEL, Capabilities
from trtlab_widgets.inputs import Checked, read_size
from trtlab_widgets.pages.text import plural
from trtlab_widgets.panels.form import Changed, Message, classed, group, labelled, on_value

_MOST_STREAMS = 4
_LEVELS = (
    ("0: no search, quickest build", 0),
    ("1", 1),
    ("2", 2),
    ("3: the default", 3),
    ("4", 4),
    ("5: every tactic, fastest engine", 5),
)


class LimitsPanel(w.VBox):
    """Asks for the builder's limits.

    Args:
        device: What can be limited.
        changed: Called after every edit.
    """

    def __init__(self, device: Capabilities, changed: Changed) -> None:
        self._changed = changed
        self._level = labelled(
            w.Dropdown, "Optimization", options=_LEVELS, value=DEFAULT_OPTIMIZATION_LEVEL
        )
        streams = [("0: the default", 0)]
        streams += [(str(n), n) for n in range(1, _MOST_STREAMS + 1)]
        self._streams = labelled(w.Dropdown, "Aux. streams", options=streams)
        on_value([self._level, self._streams], changed)
        self._pools: dict[str, tuple[w.Text, Message]] = {}
        self._sources: dict[str, w.Checkbox] = {}
        self._source_message = Message()
        super().__init__()
        self.set_device(device)

    def set_device(self, device: Capabilities) -> None:
        """Offer what another device has."""
        self._streams.disabled = not device.streams
        self._pools = {
            pool: (self._pool_field(pool), Message()) for pool in device.memory_pools
        }
        self._sources = {
            source: w.Checkbox(value=True, description=source, indent=False)
            for source in device.tactic_sources
        }
        on_value([field for field, _ in self._pools.values()], self._edited)
        on_value(list(self._sources.values()), self._edited)
        pools = [w.VBox([field, message]) for field, message in self._pools.values()]
        boxes = classed(w.HBox(list(self._sources.values())), "trtl-checks")
        self.children = [
            group("Search", self._level, self._streams),
            group("Memory pools", *pools),
            group("Tactic sources", boxes, self._source_message),
        ]

    def _pool_field(self, pool: str) -> w.Text:
        return labelled(w.Text, _pool_label(pool), placeholder="unlimited, or 512 MiB")

    @property
    def optimization_level(self) -> int:
        """0 to 5."""
        return self._level.value

    @property
    def max_aux_streams(self) -> int:
        """Streams beside the main one."""
        return int(self._streams.value)

    @property
    def memory_pools_bytes(self) -> dict[str, int]:
        """Pool → limit, for those that have a valid one."""
        read = {pool: self._read(pool).value for pool in self._pools}
        return {pool: size for pool, size in read.items() if size is not None}

    @property
    def tactic_sources(self) -> tuple[str, ...] | None:
        """Sources that are allowed; None when all are."""
        chosen = tuple(name for name, box in self._sources.items() if box.value)
        return None if len(chosen) == len(self._sources) else chosen

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the defaults."""
        level = self.optimization_level
        barred = [name for name, box in self._sources.items() if not box.value]
        told = [
            f"level {level}" if level != DEFAULT_OPTIMIZATION_LEVEL else "",
            plural(self.max_aux_streams, "auxiliary stream") if self.max_aux_streams else "",
            *(
                f"{_pool_label(pool).lower()} {field.value.strip()}"
                for pool, (field, _) in self._pools.items()
                if field.value.strip()
            ),
            f"without {', '.join(barred)}" if barred else "",
        ]
        return tuple(text for text in told if text)

    def reset(self) -> None:
        """The default level, one stream, no limits, all sources."""
        self._level.value = DEFAULT_OPTIMIZATION_LEVEL
        self._streams.value = self._streams.options[0][1]
        for field, _ in self._pools.values():
            field.value = ""
        for box in self._sources.values():
            box.value = True

    @property
    def problem(self) -> str:
        """What is wrong; empty when all is well."""
        for pool in self._pools:
            problem = self._read(pool).problem
            if problem:
                return f"{_pool_label(pool)}: {problem}"
        problem = self._source_problem()
        return f"Tactic sources: {problem}" if problem else ""

    def _read(self, pool: str) -> Checked[int]:
        return read_size(self._pools[pool][0].value)

    def _source_problem(self) -> str:
        return "at least one source is needed" if self.tactic_sources == () else ""

    def _edited(self) -> None:
        for pool, (_, message) in self._pools.items():
            message.tell(self._read(pool).problem)
        self._source_message.tell(self._source_problem())
        self._changed()


def _pool_label(pool: str) -> str:
    """The name that a pool's field has."""
    return pool.replace("_", " ").capitalize()
