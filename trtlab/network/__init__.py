"""Floor 4: the network definition, trtlab's one intermediate representation.

* `graph`: Tensor, Layer and Network; identities with tuple edges, edited only through Network.
* `order`: a stable topological order of places.
* `types_at`: types of every tensor for given input shapes.
* `text`: one layer a line, there and back; the language of tests and error messages.
* `verify`: a list of small named checks.
* `definition`: TensorRT's `INetworkDefinition.add_*` methods.
"""
