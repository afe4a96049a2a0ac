"""The programs of tests/language and the driver that runs them are shared by the tests of this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "language"))
