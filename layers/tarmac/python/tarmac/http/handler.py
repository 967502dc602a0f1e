"""Lambda handlers of the API: routes are dispatched by the route table, every error becomes a response."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from tarmac.http.answers import Answer, ApiError, to_json
from tarmac.http.errors import as_api_error
from tarmac.http.requests import ApiRequest
from tarmac.http.routes import Route, body_of, routes_of
from tarmac.idempotency import RequestIdentity
from tarmac.telemetry import logger

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Call:
    """A request on its route. The client's scope has been checked; the body is read and checked when first used.

    client: empty on a route without scopes.
    """

    def __init__(self, request: ApiRequest, route: Route) -> None:
        self.request = request
        self.route = route
        self.path = request.path
        self.query = request.query
        self.client = request.client(*route.scopes) if route.scopes else ""

    @property
    def filled_path(self) -> str:
        """The route's path with its parameters filled in: without the stage or a custom domain's base path."""
        return self.route.path.format_map(self.path)

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """The JSON body. Raises ApiError 400 or 413, InvalidRequest where the route's model rejects it."""
        body = self.request.json_body(if_empty={} if self.route.empty_body else None)
        model = body_of(self.route)
        if isinstance(model, type):
            from tarmac.requests.contract import parse_body

            parse_body(model, body)
        return body

    @property
    def request_identity(self) -> RequestIdentity:
        """What identifies retries of this create. Raises ApiError 400."""
        return self.request.request_identity(self.client)


Serve = Callable[[Call], Answer | Mapping[str, Any] | None]
"""Returns the body of a 200, None for a 204, or any other response as an Answer."""


def route_handler(function: str, serving: Mapping[str, Serve]) -> Handler:
    """Return the handler of a function. serving: what answers each of its routes, by `METHOD /path`.

    Raises ValueError unless these are the routes of the function in the table.
    """
    routes = routes_of(function)
    if serving.keys() != routes.keys():
        raise ValueError(f"{function}: routes that are missing or unknown: {sorted(serving.keys() ^ routes.keys())}")
    for route in routes.values():
        # Loads the models while Lambda starts the function, when it has a whole CPU.
        body_of(route)

    @api_handler
    def handler(request: ApiRequest) -> Answer:
        if request.route not in routes:
            raise ApiError(404, "Unknown path")
        answer = serving[request.route](Call(request, routes[request.route]))
        if answer is None:
            return Answer(204)
        return answer if isinstance(answer, Answer) else Answer(200, answer)

    return handler


def api_handler(serve: Callable[[ApiRequest], Answer]) -> Handler:
    """Return a Lambda handler of `serve`: every error becomes a response, every response one log line."""

    @functools.wraps(serve)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        request = ApiRequest(event)
        try:
            answer = serve(request)
        except Exception as error:
            answer = _answer_to(error, request)
        else:
            logger.info("request answered", route=request.route, status=answer.status, function_request_id=request.id)
        return _as_response(answer, request)

    return handler


def _answer_to(error: Exception, request: ApiRequest) -> Answer:
    problem = as_api_error(error)
    if problem is None:
        logger.crash("request failed", error, route=request.route, function_request_id=request.id)
        return Answer(500, {"error": f"Internal error. Request id: {request.id}"})
    logger.info(
        "request refused",
        route=request.route,
        status=problem.status,
        issues=[".".join(map(str, issue.path)) for issue in problem.issues],
        function_request_id=request.id,
    )
    return problem.as_answer()


def _as_response(answer: Answer, request: ApiRequest) -> dict[str, Any]:
    headers = {"cache-control": "no-store", "x-request-id": request.id, **answer.headers}
    if answer.body is None:
        return {"statusCode": answer.status, "headers": headers}
    headers.setdefault("content-type", "application/json")
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": answer.body if isinstance(answer.body, str) else to_json(answer.body),
    }
