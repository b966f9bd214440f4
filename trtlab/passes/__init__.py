"""Floor 6: rewriting a network into fewer, larger, better typed layers; and saying why not.

One rule a file. Each starts with its formula, then why it is safe, then what it needs.

* `pipeline`: runs the rules in order (tuples, one for each optimization level).
* `options`: what the caller may choose. `precision`: element types and where casts go.
* `base`: the machinery of a rule: match, rejection, result.
* `look`: questions about a graph. `edit`: what a rewrite does to it.
* `program`: expressions of scalar functions, and patterns in them.
"""
