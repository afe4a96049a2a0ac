"""`python -m perdure`: the command line. Layer: cli."""

from perdure.cli.main import main

main()
