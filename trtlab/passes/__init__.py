"""Rewriting a network into fewer, larger, better typed layers; and saying why not.

One rule a file. Each starts with its formula, then why it is safe, then what it needs.

* `pipeline`: runs the rules in order (tuples, one for each optimization level); `formulas`.
* `options`: what the caller may choose. `precision`: element types and where casts go.
* `base`: the machinery of a rule: match, rejection, result, the walk over a network.
* `look`: questions about a graph. `edit`: what a rewrite does to it, and how results are named.
* `program`: expressions of scalar functions. `pattern`: patterns in them.
* `reshape`, `box`: what moves elements, and what part a slice takes.
* `accumulating`: layers with weights. `attention_scores`, `causal`: what `attention` looks for.
* All other modules: one rule each.

Uses `core`, `layers`, `network` and `report`.
"""
