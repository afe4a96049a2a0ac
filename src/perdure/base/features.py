"""What `cond-expand` and `(features)` know of: R7RS appendix B, and the SRFIs.

Layer: base. Imports nothing.
"""

from __future__ import annotations

SRFIS = (
    1, 2, 6, 8, 9, 13, 14, 16, 17, 23, 26, 27, 28, 34, 35, 39, 41, 43, 48, 64, 69, 87, 95, 111, 123, 125, 126, 128,
    130, 132, 133, 143, 145, 151, 180,
)  # fmt: skip
"""The numbers of the SRFIs that are there; `(srfi N)` is the library of each."""

FEATURES = (
    "r7rs",
    "exact-closed",
    "exact-complex",
    "ieee-float",
    "ratios",
    "full-unicode",
    "perdure",
    *(f"srfi-{number}" for number in SRFIS),
)
"""All feature identifiers, in the order in which `(features)` lists them."""
