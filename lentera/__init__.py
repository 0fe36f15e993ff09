"""The command line and the one-machine demo, the only place that imports every other package."""

import sys
from pathlib import Path

# A wheel holds the other packages below this one, since names like `edge` and `cloud` may be anybody's in a
# shared `site-packages` (docs/adr/0013-packages-below-lentera.md). In a checkout there is no such folder.
_PACKAGES = Path(__file__).parent / "_packages"
if _PACKAGES.is_dir():
    sys.path.insert(0, str(_PACKAGES))
