"""The OpenAPI document: FastAPI's own for the plain routes, and the hot route from the structs it decodes and encodes.

What the loaded model asks beyond a basket's shape (a product on every line, at least one line) stands in it as well,
so that a client made from the document sends what is answered.
"""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from retail_forecast.domain.basket import basket_schema
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.answers import Prediction
from retail_forecast_server.catalogue import LIMITS, Product
from retail_forecast_server.columns import ColumnsPrediction, NineColumns
from retail_forecast_server.guard import OPEN_PATHS
from retail_forecast_server.probes import Alive, Ready
from retail_forecast_server.problems import ProblemDetails
from retail_forecast_server.shelf import Shelved

__all__ = [
    "INVOCATIONS",
    "PREDICT",
    "PREDICT_BATCH",
    "PREDICT_COLUMNS",
    "PRODUCTS",
    "PRODUCT_QUERY",
    "answer_response",
    "problem_responses",
    "product_responses",
    "schema",
]

PREDICT = "/v1/predict"
PREDICT_COLUMNS = "/predict"
INVOCATIONS = "/invocations"
PREDICT_BATCH = "/v1/predict/batch"
PRODUCTS = "/v1/products"

PRODUCT_QUERY = [
    {
        "name": "q",
        "in": "query",
        "description": "Part of a product's code; all of them without.",
        "schema": {"type": "string"},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "How many at most; 20 when not given.",
        "schema": {"type": "integer", "minimum": LIMITS[0], "maximum": LIMITS[1]},
    },
]

_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON.",
    HTTPStatus.UNAUTHORIZED: "An API key is needed.",
    HTTPStatus.FORBIDDEN: "The key has not the scope that is needed.",
    HTTPStatus.CONFLICT: "There is no model before this one.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field does not fit; `errors` says which.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No verified model is loaded, or there is too much to do; with Retry-After then.",
}

_SHAPES = (Prediction, NineColumns, ColumnsPrediction, ProblemDetails, Alive, Ready, Shelved, Product)

_ABSENT = {HTTPStatus.NOT_FOUND: "The model looks at no products."}

_EXAMPLE = {
    "basket_id": "994110500233340",
    "shop_date": "2008-04-07",
    "shop_hour": 14,
    "store_code": "STORE00001",
    "store_region": "E02",
    "store_format": "LS",
    "type": "Top Up",
    "mission": "Fresh",
    "lines": [
        {
            "prod_code": "PRD0900005",
            "prod_code_10": "CL00155",
            "prod_code_20": "DEP00053",
            "prod_code_30": "G00016",
            "prod_code_40": "D00003",
            "quantity": 1,
            "spend_gbp": 1.01,
        }
    ],
}


_ROW = {
    "BASKET_SIZE": "M",
    "BASKET_TYPE": "Small Shop",
    "BASKET_DOMINANT_MISSION": "Fresh",
    "SPEND": 7.49,
    "QUANTITY": 5,
    "STORE_REGION": "E02",
    "STORE_FORMAT": "LS",
    "PROD_CODE_20": "DEP00053",
    "PROD_CODE_30": "G00016",
}


def schema(app: FastAPI, task: Task, limits: ServerSettings) -> dict[str, Any]:
    """The OpenAPI document of `app` while it answers `task` within `limits`."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document["paths"][PREDICT] = {"post": _predict(task, limits)}
    document["paths"][INVOCATIONS] = {"post": _predict(task, limits) | {"operationId": "invocations"}}
    document["paths"][PREDICT_BATCH] = {"post": _predict_batch(task)}
    document["paths"][PREDICT_COLUMNS] = {"post": _predict_columns(limits)}
    _, components = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= basket_schema()["components"] | components
    schemas["Line"]["properties"]["spend_gbp"]["multipleOf"] = 0.01
    fewest = 0 if task is Task.ARRIVAL else 1
    schemas["Basket"]["properties"]["lines"] |= {"minItems": fewest, "maxItems": limits.max_lines}
    if task is Task.BASKET:
        line = schemas["Line"]
        line["required"] = [*line["required"], "prod_code"]
        line["properties"]["prod_code"] = next(
            option for option in line["properties"]["prod_code"]["anyOf"] if option.get("type") == "string"
        )
    if limits.api_key_sha256 or limits.api_keys:
        _ask_for_keys(document)
    return document


def problem_responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Refusals with these statuses, as OpenAPI describes responses."""
    content = {"application/problem+json": {"schema": _reference("ProblemDetails")}}
    told = _PROBLEMS | _ABSENT
    return {str(status.value): {"description": told[status], "content": content} for status in statuses}


def answer_response(name: str, description: str) -> dict[int | str, dict[str, Any]]:
    """A successful answer whose body is the struct `name`, as OpenAPI describes responses."""
    return {"200": {"description": description, "content": {"application/json": {"schema": _reference(name)}}}}


def product_responses() -> dict[int | str, dict[str, Any]]:
    """The answers of the search for products."""
    found = {"schema": {"type": "array", "items": _reference("Product"), "maxItems": LIMITS[1]}}
    refused = problem_responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
    return {"200": {"description": "Products, by code", "content": {"application/json": found}}, **refused}


def _task_parameter(default: Task) -> dict[str, Any]:
    return {
        "name": "task",
        "in": "query",
        "description": f"What the model may look at; {default} when not given.",
        "schema": {"type": "string", "enum": [str(task) for task in Task]},
    }


def _predict_batch(default: Task) -> dict[str, Any]:
    streams = {
        "application/x-ndjson": {"schema": {"type": "string", "description": "A basket, or its answer, a line."}},
        "application/vnd.apache.arrow.stream": {
            "schema": {"type": "string", "format": "binary", "description": "An Arrow IPC stream."}
        },
    }
    return {
        "summary": "Price sensitivity of a stream of baskets",
        "operationId": "predict_batch",
        "tags": ["prediction"],
        "parameters": [_task_parameter(default)],
        "requestBody": {"required": True, "content": streams},
        "responses": {
            "200": {
                "description": "Answers in the same order and form. A line that does not fit is answered by an object "
                "with `line` and `problem`.",
                "content": streams,
            },
            **_problems(),
        },
    }


def _problems() -> dict[int | str, dict[str, Any]]:
    return problem_responses(*(status for status in _PROBLEMS if status != HTTPStatus.CONFLICT))


def _predict(default: Task, limits: ServerSettings) -> dict[str, Any]:
    parameters = [
        _task_parameter(default),
        {
            "name": "explain",
            "in": "query",
            "description": "Whether to tell what each line spoke for; of at most "
            f"{limits.max_explained_lines} lines in all.",
            "schema": {"type": "boolean", "default": False},
        },
    ]
    summary = "Price sensitivity of one basket, or of each basket of a list"
    return _operation("predict", summary, "Basket", "Prediction", _EXAMPLE, limits) | {"parameters": parameters}


def _predict_columns(limits: ServerSettings) -> dict[str, Any]:
    summary = "The same by the nine columns of the specification, answered by the model of task flat"
    return _operation("predict_columns", summary, "NineColumns", "ColumnsPrediction", _ROW, limits)


def _operation(
    name: str, summary: str, asked: str, answered: str, example: dict[str, Any], limits: ServerSettings
) -> dict[str, Any]:
    body = {"schema": _one_or_many(asked, limits.max_baskets), "example": example}
    answers = {"application/json": {"schema": _one_or_many(answered, limits.max_baskets)}}
    return {
        "summary": summary,
        "operationId": name,
        "tags": ["prediction"],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": {
                "description": "One answer for one, a list of answers in the same order for a list",
                "content": answers,
            },
            **_problems(),
        },
    }


def _one_or_many(name: str, most: int) -> dict[str, Any]:
    return {"oneOf": [_reference(name), {"type": "array", "items": _reference(name), "maxItems": most}]}


def _ask_for_keys(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path in document["paths"].keys() - OPEN_PATHS:
        for operation in document["paths"][path].values():
            operation["security"] = [{"bearer": []}, {"header": []}]
            operation["responses"] |= problem_responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
