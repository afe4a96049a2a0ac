"""The driver that runs programs is shared with tests/language."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "language"))
