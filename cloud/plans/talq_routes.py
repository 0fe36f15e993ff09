"""Programs and calendars over HTTP: the same four routes over two kinds of TALQ document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from cloud.access.dependencies import RequirePrincipal
from cloud.access.model import Principal
from cloud.http.parameters import PathIdentifier
from cloud.http.problems import invalid, not_found
from cloud.http.responses import answers, json_response, request_body
from cloud.plans.talq_body import convert_document, decode_document, read_body

Confirm = Annotated[bool, Query(description="Store the change even if many lamps would be dark at night")]


class Identified(Protocol):
    """A program or a calendar."""

    @property
    def id(self) -> str:
        """The id, which is also the last part of the path of its document."""
        ...


Document = TypeVar("Document", bound=msgspec.Struct)
Model = TypeVar("Model", bound=Identified)
Model_contra = TypeVar("Model_contra", bound=Identified, contravariant=True)


class Put(Protocol[Model_contra]):
    """Adds a program or a calendar to the plan, or replaces the one of its id."""

    def __call__(self, model: Model_contra, who: str, /, *, confirmed: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class DocumentKind(Generic[Document, Model]):
    """A kind of TALQ document: its names, its shapes, and the use cases behind its routes."""

    name: str
    description: str
    structure: type[Document]
    page: type[msgspec.Struct]
    to_model: Callable[[Document, str], Model]
    to_document: Callable[[Model], Document]
    stored: Callable[[], dict[str, Model]]
    put: Put[Model]
    delete: Callable[[str, str], None]


def document_router(kind: DocumentKind[Document, Model], operator: RequirePrincipal) -> APIRouter:
    """Return the routes that list, get, put and delete documents of this kind."""
    routes = APIRouter()
    _add_read_routes(routes, kind)
    _add_write_routes(routes, kind, operator)
    return routes


def _add_read_routes(routes: APIRouter, kind: DocumentKind[Document, Model]) -> None:
    name, structure = kind.name, kind.structure

    @routes.get(
        f"/{name}s",
        name=f"list_{name}s",
        description=f"List all {name}s, the built-in one first.",
        responses=answers(kind.page, f"All {name}s"),
    )
    def list_documents() -> Response:
        items = [kind.to_document(each) for each in kind.stored().values()]
        return json_response({"items": items})

    @routes.get(
        f"/{name}s/{{id}}",
        name=f"get_{name}",
        description=f"Return a {name}.",
        responses=answers(structure, f"The {name}", 404),
    )
    def get_document(id: PathIdentifier) -> Response:  # noqa: A002 - the path's name
        found = kind.stored().get(id)
        if found is None:
            raise not_found(name, f"{name}Id", id)
        return json_response(kind.to_document(found))


def _add_write_routes(
    routes: APIRouter, kind: DocumentKind[Document, Model], operator: RequirePrincipal
) -> None:
    name, structure = kind.name, kind.structure

    @routes.put(
        f"/{name}s/{{id}}",
        name=f"put_{name}",
        description=kind.description,
        responses=answers(structure, "As stored", 403, 409, 413, 422),
        openapi_extra=request_body(structure),
    )
    def put_document(
        caller: Annotated[Principal, Depends(operator)],
        id: PathIdentifier,  # noqa: A002 - the path's name
        body: Annotated[bytes, Depends(read_body)],
        confirm: Confirm = False,
    ) -> Response:
        document = decode_document(body, structure)
        model = convert_document(document, kind.to_model)
        if model.id != id:
            raise invalid("id", model.id, f"{id!r}, as in the path")
        kind.put(model, caller.name, confirmed=confirm)
        return json_response(kind.to_document(model))

    @routes.delete(
        f"/{name}s/{{id}}",
        name=f"delete_{name}",
        description=f"Delete a {name} that is not in use.",
        status_code=204,
        responses=answers(None, "Deleted", 403, 404, 409),
    )
    def delete_document(caller: Annotated[Principal, Depends(operator)], id: PathIdentifier) -> Response:  # noqa: A002
        kind.delete(id, caller.name)
        return Response(status_code=204)
