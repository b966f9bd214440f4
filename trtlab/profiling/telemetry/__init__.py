"""What sensors say while an engine runs.

* `source`: what can be read, and how a source says that it cannot.
* `sampler`: a thread that reads sources at a steady rate into a `ring` of bounded memory.
* `nvml`: NVIDIA GPUs, with `nvml_library` (the door to NVML), `nvml_metrics` (what is asked),
  `nvml_throttle` (why clocks are held back) and `gpm` (activity counters of Hopper and later).
* `host`: processor and memory; `process`: one process' share of both; `rapl`: processor power;
  `sensor_file`: small files.
* `machine`: every GPU, and every sensor of this machine.
* `throttling`: intervals and a verdict in words.
"""
