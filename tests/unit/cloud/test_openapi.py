"""The document that clients are generated from."""

import json
import re

from cloud.app import openapi_document

OPEN_PATHS = {("/api/v1/session", "post"), ("/api/v1/session", "delete")}


def test_the_same_code_gives_the_same_document() -> None:
    """To the byte, so that a generated client changes only with the API."""
    assert json.dumps(openapi_document()) == json.dumps(openapi_document())


def test_every_reference_leads_somewhere() -> None:
    """Schemas that answers name are in the document."""
    document = openapi_document()
    references = set(re.findall(r'"#/components/(schemas|responses)/(\w+)"', json.dumps(document)))
    assert references
    assert {(kind, name) for kind, name in references if name not in document["components"][kind]} == set()


def test_every_answer_has_a_shape() -> None:
    """Success and errors of every operation are described."""
    for path, operations in openapi_document()["paths"].items():
        for method, operation in operations.items():
            success = next(answer for status, answer in operation["responses"].items() if status < "300")
            assert success.get("content") or method == "delete", f"{method} {path}"
            if (path, method) not in OPEN_PATHS:
                assert operation["security"], f"{method} {path}"
                assert "401" in operation["responses"], f"{method} {path}"


def test_every_operation_documents_what_each_may_answer() -> None:
    """422 for an unknown query parameter, 500 for a defect, 503 while the database can't be reached."""
    for path, operations in openapi_document()["paths"].items():
        for method, operation in operations.items():
            for status in ("422", "500", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"], (
                    f"{method} {path}"
                )


def test_errors_are_problem_details() -> None:
    """FastAPI's own error body appears nowhere."""
    text = json.dumps(openapi_document())
    assert "HTTPValidationError" not in text
    assert "application/problem+json" in text


def test_names_are_camel_case() -> None:
    """No Python name leaks into JSON."""
    for name, schema in openapi_document()["components"]["schemas"].items():
        assert [field for field in schema.get("properties", {}) if "_" in field] == [], name
