"""The check of answers against the API's document: it finds what is not documented."""

import httpx
import pytest

from tests.support.documented import UndocumentedAnswerError, documented_api

JSON = "application/json"
PROBLEM = "application/problem+json"
USER = b'{"username": "ana", "role": "operator"}'


def answer(
    body: bytes, status: int = 200, media_type: str = JSON, path: str = "/api/v1/session"
) -> httpx.Response:
    request = httpx.Request("GET", f"http://localhost{path}")
    return httpx.Response(status, content=body, headers={"Content-Type": media_type}, request=request)


@pytest.mark.parametrize(
    "documented",
    [
        answer(USER),
        answer(b'{"type": "", "title": "", "status": 401, "detail": "", "errors": []}', 401, PROBLEM),
        answer(
            b'{"type": "", "title": "", "status": 404, "detail": "", "errors": []}', 404, path="/api/v1/x"
        ),
        answer(b"not of the API", 500, path="/readyz"),
    ],
)
def test_a_documented_answer_passes(documented: httpx.Response) -> None:
    documented_api().check(documented)


@pytest.mark.parametrize(
    ("undocumented", "message"),
    [
        (answer(b'{"username": "ana"}'), "missing required field `role`"),
        (answer(b'{"username": 1, "role": "operator"}'), "Expected `str`"),
        (answer(b'{"username": "ana", "role": "operator", "age": 7}'), "more or other fields"),
        (answer(USER, 202), "expected one of"),
        (answer(USER, media_type="text/plain"), "expected .'application/json'."),
        (answer(USER, 401), "expected .'application/problem.json'."),
        (answer(USER, path="/api/v1/users"), "expected 404 or 405"),
    ],
)
def test_an_undocumented_answer_is_found(undocumented: httpx.Response, message: str) -> None:
    """A missing or another field, another type, status or media type, and a path of no route."""
    with pytest.raises(UndocumentedAnswerError, match=message):
        documented_api().check(undocumented)
