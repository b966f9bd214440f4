"""Problems that every tactic must solve or decline, by layer type.

Sizes are odd on purpose: no extent is a multiple of a vector. A new layer type must get cases
here (`test_every_layer_type_has_cases`), a new tactic must accept one of them.
"""

from kernel_cases_matrix import MATRIX_CASES
from kernel_cases_movement import MOVEMENT_CASES
from kernel_cases_pointwise import POINTWISE_CASES
from kernel_cases_window import WINDOW_CASES

CASES = [*POINTWISE_CASES, *MOVEMENT_CASES, *WINDOW_CASES, *MATRIX_CASES]
