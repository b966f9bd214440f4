"""Frozen records of everything decided or measured.

A `Report` opens on a laptop without a GPU: every figure, table and finding draws from it.

* `records`: the records, those of a run from `run_records`. `codec`: JSON there and back, with
  a schema version; `plain_data` is the generic half of it, `atomic_write` puts files in place.
  `saving`: the form that a file's name asks for.
* `columns`: tables as lists by column name. `tables`: the same as pandas frames; `csv_files`:
  as CSV.
* `html`: what a notebook shows of a report, `one_line`: of a record. `trace_events`: Chrome
  and Perfetto traces. `trtexec_files`: the files that trtexec exports;
  `tensor_formats`: memory formats in TensorRT's words.
* `percentile`: the one definition of a percentile. `percent`, `quantity`, `short_name`: how
  shares, changes, sizes and long names are written. `conditions`: what a measured time depends
  on; `clocks`: the clock of each run. `contests`: where times of tactics come from.
  `which_run`: what the benchmark and the profiled run are called wherever their times are
  shown. `latency_parts`: what the parts of one inference's latency are.

Uses `core`.
"""
