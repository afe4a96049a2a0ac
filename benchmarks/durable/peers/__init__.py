"""One module for each engine: its programs as its documentation shows them, run by a Python that has it installed."""
