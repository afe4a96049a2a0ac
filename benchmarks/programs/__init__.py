"""Programs in Scheme (`.scm`), and the same algorithms on the same data structures in Python."""
