"""In which type layers compute: all of them, and single ones differently."""

from collections.abc import Sequence

import ipywidgets as w

from trtlab.session.requests import Capabilities, NetworkLayer
from trtlab_widgets.pages.text import plural
from trtlab_widgets.panels.form import (
    Changed,
    Message,
    classed,
    group,
    labelled,
    note,
    on_value,
)

_ARROW = " → "


class PrecisionPanel(w.VBox):
    """Asks for device and precision.

    Args:
        devices: What this machine has, the best one first.
        changed: Called after every edit.
    """

    def __init__(self, devices: Sequence[Capabilities], changed: Changed) -> None:
        self._devices = {device.device: device for device in devices}
        self._changed = changed
        self._layers: set[str] = set()
        self._suggested: tuple[str, ...] = ()
        options = [(each.label, each.device) for each in devices]
        self._device = labelled(w.Dropdown, "Device", options=options)
        self._precision = labelled(w.Dropdown, "Precision")
        self._note = note("")
        self._layer = labelled(
            w.Combobox, "Single layer", placeholder="name of a layer", ensure_option=False
        )
        self._layer_precision = w.Dropdown(
            layout=w.Layout(flex="1 1 auto", width="auto", min_width="60px")
        )
        self._add = w.Button(
            description="Set", layout=w.Layout(width="48px", min_width="48px")
        )
        self._selected = w.Button(disabled=True, layout=w.Layout(width="auto"))
        self._selected.tooltip = (
            "The model's layers that the selection in the explorer stands for"
        )
        self._problem = Message()
        self._tags = w.TagsInput(allow_duplicates=False, layout=w.Layout(width="100%"))
        self._tags.add_class("trtl-tags")
        self._tags.add_class("is-empty")
        self._add.on_click(lambda _: self._set((self._layer.value.strip(),)))
        self._selected.on_click(lambda _: self._set(self._suggested))
        self._device.observe(lambda _: self._offer(), names="value")
        self._offer()
        self.suggest(())
        on_value([self._device, self._precision, self._tags], self._edited)
        apply = classed(w.HBox([self._layer_precision, self._add]), "trtl-apply")
        single = [self._layer, apply, self._selected, self._problem, self._tags]
        super().__init__(
            [
                group("Precision", self._device, self._precision),
                group("Layers that differ", *single, self._note),  # nothing follows a note
            ]
        )

    @property
    def device(self) -> str:
        """The device's name."""
        return self._device.value

    @property
    def capabilities(self) -> Capabilities:
        """What the device offers."""
        return self._devices[self.device]

    @property
    def precision(self) -> str:
        """The precision of all layers that are not named."""
        return self._precision.value

    @property
    def layer_precisions(self) -> dict[str, str]:
        """Layer → precision, for those that differ."""
        pairs = [str(tag).rpartition(_ARROW) for tag in self._tags.value]
        return {name: precision for name, _, precision in pairs}

    @property
    def problem(self) -> str:
        """What is wrong; empty when all is well."""
        unknown = [name for name in self.layer_precisions if name not in self._layers]
        if self._layers and unknown:
            return f"Layers that differ: the model has no layer {unknown[0]!r}"
        return ""

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the defaults."""
        chosen = self.layer_precisions
        apart = f"{plural(len(chosen), 'layer')} in {', '.join(sorted(set(chosen.values())))}"
        told = (
            ("" if self.device == next(iter(self._devices)) else f"on {self.device}"),
            ("" if self.precision == self._first else self.precision),
            (apart if chosen else ""),
        )
        return tuple(text for text in told if text)

    @property
    def _first(self) -> str:
        """The precision that the device begins with."""
        return next(iter(self.capabilities.precisions))

    def reset(self) -> None:
        """The best device, its first precision, and no layer that differs."""
        self._device.value = next(iter(self._devices))
        self._layer.value = ""
        self.set(self._first, {})

    def set_layers(self, layers: Sequence[NetworkLayer]) -> None:
        """The layers of another model; what was set for the last one is dropped."""
        self._layers = {layer.name for layer in layers}
        self._layer.options = [layer.name for layer in layers]
        self._layer.value = ""
        self._tags.value = []
        self.suggest(())

    def suggest(self, names: Sequence[str]) -> None:
        """Offer the layers that are selected in another view."""
        self._suggested = tuple(names)
        number = "layer" if len(names) == 1 else f"{len(names)} layers" if names else "layers"
        self._selected.description = f"Set the {number} behind the selection"
        self._selected.disabled = not names

    def set(self, precision: str, layer_precisions: dict[str, str]) -> None:
        """Fill the form from outside."""
        self._precision.value = precision
        self._tags.value = [name + _ARROW + p for name, p in layer_precisions.items()]

    def _set(self, names: Sequence[str]) -> None:
        wanted = str(self._layer_precision.value)
        unknown = [name for name in names if name not in self._layers]
        if unknown:
            self._problem.tell(f"the model has no layer {unknown[0]!r}")
            return
        self._layer.value = ""
        merged = {**self.layer_precisions, **dict.fromkeys(names, wanted)}
        self._tags.value = [name + _ARROW + p for name, p in merged.items()]

    def _offer(self) -> None:
        self._device.tooltip = self._device.label  # long names are cut off
        precisions = self.capabilities.precisions
        kept = self._precision.value
        self._precision.options = [
            (f"{name} (emulated)" if emulated else name, name)
            for name, emulated in precisions.items()
        ]
        self._precision.value = kept if kept in precisions else self._first
        # No type that a single layer has: it says how FP32 layers multiply.
        single = [name for name in precisions if name != "tf32"]
        self._layer_precision.options = single
        self._layer_precision.index = len(single) > 1  # the second: it differs from the first

    def _edited(self) -> None:
        emulated = self.capabilities.precisions.get(self.precision, False)
        self._note.value = (
            f"{self.precision} is computed through float32 here: it shows accuracy, not speed."
            if emulated
            else ""
        )
        self._problem.tell(self.problem)
        (self._tags.remove_class if self._tags.value else self._tags.add_class)("is-empty")
        self._changed()
