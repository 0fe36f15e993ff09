"""Serving the map's files."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cloud.http.problems import install_problem_handlers
from cloud.http.static import docs_router, mount_web


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """An application with a small build of the map."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Lentera</title>")
    (tmp_path / "assets" / "map-1a2b.js").write_text("export {}")
    (tmp_path.parent / "secret.txt").write_text("not for you")
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(docs_router)
    mount_web(app, tmp_path)
    return app


async def _get(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://lentera.test"
    ) as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/", "/lamps/SOR-1", "/faults"])
async def test_the_maps_own_addresses(app: FastAPI, path: str) -> None:
    """Each gives index.html, always fresh."""
    answer = await _get(app, path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "Lentera" in answer.text


async def test_hashed_files_are_kept(app: FastAPI) -> None:
    """Their name changes with their content."""
    answer = await _get(app, "/assets/map-1a2b.js")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/assets/gone.js",
        "/assets/gone",
        "/favicon.png",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
    ],
)
async def test_what_is_not_there(app: FastAPI, path: str) -> None:
    """No page instead of data, no file from elsewhere."""
    answer = await _get(app, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_api_reference_is_part_of_the_map(app: FastAPI) -> None:
    """Its address leads there, so that no other site is contacted for it."""
    answer = await _get(app, "/api/docs")
    assert (answer.status_code, answer.headers["location"]) == (307, "/api-docs/")
