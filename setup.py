"""What `pyproject.toml` cannot say: where packages lie once installed, and that the map comes with them."""

import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

PARTS = ("cloud", "edge", "firmware_sim", "protocols", "runtime")
"""Top-level folders of the checkout whose names are too common for a `site-packages` shared with others."""

MAP = Path("dashboards/web/dist")


class BuildWithMap(build_py):
    """Adds the built map to `lentera/web`; an editable install takes it from the checkout."""

    def run(self) -> None:
        """Copy the packages, then the map."""
        super().run()
        if self.editable_mode:
            return
        if not (MAP / "index.html").is_file():
            raise SetupError(f"{MAP}/index.html is missing: run 'make web' first, or 'make wheel' for both")
        target = Path(self.build_lib, "lentera", "web")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(MAP, target)


def _packages() -> list[str]:
    return find_packages(include=["lentera", "lentera.*"]) + [f"{prefix}{name}" for name in _part_packages()]


def _part_packages() -> list[str]:
    return find_packages(include=[pattern for part in PARTS for pattern in (part, f"{part}.*")])


# In a wheel the parts lie in `lentera/_packages`, a folder that `lentera/__init__.py` puts on the module
# search path (docs/adr/0013-packages-below-lentera.md); an editable install leaves them where they are.
prefix = "" if "editable_wheel" in sys.argv else "lentera._packages."

setup(
    packages=_packages(),
    package_dir={f"{prefix}{part}": part for part in PARTS} if prefix else {},
    cmdclass={"build_py": BuildWithMap},
)
