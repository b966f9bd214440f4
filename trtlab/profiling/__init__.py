"""Measurement. Runs a target, reads the device's sensors, hands out records.

* `target`: what can be measured; the runtime's execution contexts are targets.
* `query`: one inference with its host and device time stamps, and many in flight.
* `benchmark`: trtexec's loop and definitions. `verdicts`: what the numbers mean, in sentences.
* `layers`: samples of each layer's time. `timeline`: the same as bars on streams.
* `reconciliation`: what the host waited, as parts from launch to wake-up that add up.
* `measure`: all of these in one go. `progress`: how far it is.
* `statistics`: percentiles, intervals, and whether two measurements differ. `comparison`: two
  reports of one model, part by part. `differing`: what else is not the same in them;
  `doubts`: what speaks against a difference.
* `telemetry`: clocks, power, temperature and load meanwhile. `monitor`: the same, live, as
rows.

Uses `builder`, `core`, `devices`, `layers`, `network`, `report`, `runtime` and `tactics`.
"""
