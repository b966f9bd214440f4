"""The network definition, trtlab's one intermediate representation.

* `graph`: Tensor, Layer and Network; identities with tuple edges, edited only through Network.
* `order`: a stable topological order of places.
* `clone`: a copy that can be edited. `evaluate`: runs a network by its operators' NumPy meaning.
* `types_at`: types of every tensor for given input shapes.
* `text`: one layer a line, there and back; the language of tests and error messages. Values
  are spelled in `text_values`.
* `binding_types`: casts where inputs and outputs have other types than their layers.
* `verify`: a list of small named checks.
* `definition`: TensorRT's `INetworkDefinition.add_*` methods.

Uses `core`, `layers` and `report`.
"""
