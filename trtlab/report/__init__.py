"""Floor 2: frozen records of everything decided or measured.

A `Report` opens on a laptop without a GPU: every figure, table and finding draws from it.

* `records`: the records. `codec`: JSON there and back, with a schema version.
* `tables`: pandas views. `html`: what a notebook shows of a report.
"""
