"""Perdure beside other durable-execution engines: the same work, in one run, on one machine."""
