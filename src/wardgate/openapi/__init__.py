"""Reads OpenAPI 3.1, 3.0 and Swagger 2.0 documents, and the YAML and JSON text they are written in."""

from wardgate.openapi.document import OpenApiDocument, Operation, Requirement, SecurityScheme
from wardgate.openapi.importer import import_document
from wardgate.openapi.reader import read_document

__all__ = [
    "OpenApiDocument",
    "Operation",
    "Requirement",
    "SecurityScheme",
    "import_document",
    "read_document",
]
