"""Where the built map is: inside an installed package, or in the checkout after `make web`."""

from importlib.resources import files
from pathlib import Path

_IN_CHECKOUT = Path(__file__).parents[1] / "dashboards" / "web" / "dist"


def built_map() -> Path | None:
    """Return the folder of the map's `index.html`, or None where it was not built."""
    for folder in (Path(str(files("lentera") / "web")), _IN_CHECKOUT):
        if (folder / "index.html").is_file():
            return folder
    return None
