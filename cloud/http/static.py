"""Serving the built map: its files, and index.html for every address the map itself routes."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

docs_router = APIRouter(include_in_schema=False)

_HASHED = "assets/"  # the bundler names these files by their content
_FOR_A_YEAR = "public, max-age=31536000, immutable"


@docs_router.get("/api/docs")
async def api_docs() -> Response:
    """Redirect to the API's reference, which is part of the built map."""
    return RedirectResponse("/api-docs/")


class MapFiles(StaticFiles):
    """Static files; an address without a file extension that is no file is the map's own."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or index.html."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or path.startswith(("api/", _HASHED)) or Path(path).suffix:
                raise
            response = await super().get_response("index.html", scope)
        cached = _FOR_A_YEAR if path.startswith(_HASHED) else "no-cache"
        response.headers["Cache-Control"] = cached
        return response


def mount_web(app: FastAPI, web_dir: Path) -> None:
    """Serve the map at the root; must come after every other route."""
    app.mount("/", MapFiles(directory=web_dir, html=True), name="web")
