"""Processor power from its energy counters (Intel's and AMD's RAPL, through Linux powercap).

Source: Linux, Documentation/power/powercap/powercap.rst: ``energy_uj`` counts microjoules and
returns to zero after ``max_energy_range_uj``.
"""

from dataclasses import dataclass
from pathlib import Path

from trtlab.profiling.telemetry.sensor_file import read_number


@dataclass(slots=True)
class Package:
    """The counter of one processor package.

    Attributes:
        path: Its ``energy_uj`` file.
        range_uj: Where it wraps.
        last_uj: As read last.
    """

    path: Path
    range_uj: int
    last_uj: int

    def spent_uj(self) -> int:
        """Microjoules since the last call.

        Raises:
            OSError: The counter cannot be read.
            ValueError: The counter holds something else.
        """
        now_uj = read_number(self.path)
        spent = now_uj - self.last_uj
        self.last_uj = now_uj
        return spent if spent >= 0 else spent + self.range_uj


class RaplPower:
    """Watts of all packages together.

    Args:
        root: The powercap folder.

    Raises:
        OSError: There is none, or it may not be read: often for administrators only.
        ValueError: A counter holds no number.
    """

    def __init__(self, root: Path) -> None:
        # packages are intel-rapl:0, intel-rapl:1 …; a second colon marks a part of one
        folders = sorted(p for p in root.glob("intel-rapl:*") if p.name.count(":") == 1)
        if not folders:
            raise FileNotFoundError(2, "no energy counters", str(root / "intel-rapl:0"))
        self._packages = [
            Package(
                folder / "energy_uj",
                read_number(folder / "max_energy_range_uj"),
                read_number(folder / "energy_uj"),
            )
            for folder in folders
        ]
        self._last_ns: int | None = None

    def watts(self, now_ns: int) -> float | None:
        """Average since the last call; None on the first.

        Raises:
            OSError: A counter cannot be read any more.
            ValueError: A counter holds something else.
        """
        spent_uj = sum(package.spent_uj() for package in self._packages)
        last_ns, self._last_ns = self._last_ns, now_ns
        if last_ns is None or now_ns <= last_ns:
            return None
        return spent_uj * 1e3 / (now_ns - last_ns)  # µJ/ns = kW
