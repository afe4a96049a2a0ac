"""The state of a run as bytes: full snapshots, deltas, and values between runs."""
