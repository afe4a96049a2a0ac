"""What Perdure costs, measured. `python -m benchmarks`; README.md says what each figure means."""
