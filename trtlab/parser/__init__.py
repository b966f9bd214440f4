"""ONNX files become networks.

``parse.parse(source)`` is the entry. In the order of the work:

* `source`: a path, bytes or a ModelProto is read, and refused when it is no ONNX model.
* `functions`: calls of functions that the model defines itself are replaced by their bodies.
* `graph_order`: names are unique, everything read exists, nodes stand in topological order.
  `subgraphs`: graphs inside of nodes, and what they read from around them.
* `tensors`, `external`: elements of weights, from the file and from files beside it.
* `convert`: node after node becomes layers, by the converter that `catalog` names.
* `counts`: which results have sizes that follow from values of the inputs.
* `ops_*`: the converters, one for each ONNX operator, a family a file. They see the model
  through `node`, compute with `known` constants and put shapes together with `shapes`.
* `refusals`: operators that cannot be converted at all, and what to do instead.
  `restrictions`: what converters do not take, for people.
* `errors`: what went wrong, for people and for TensorRT's `IParserError`.

Uses `core`, `layers`, `network` and `report`.
"""
