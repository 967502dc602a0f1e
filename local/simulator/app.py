"""The endpoints, and what every request passes through: pause, key, version, error shape, request log."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.simulator import persistence
from local.simulator.config import Config
from local.simulator.contract import OPERATIONS
from local.simulator.routes import control, generations, organization, outputs, tasks, uploads
from local.simulator.simulator import Seen, Simulator
from local.simulator.wire import ApiError

API_VERSION: Final = "2024-11-06"


class Access(Enum):
    """What a request must bring."""

    KEY_AND_VERSION = auto()
    KEY = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of the API."""

    method: str
    path: str
    handler: Callable[[Request, Simulator], Awaitable[Response]]
    access: Access = Access.KEY_AND_VERSION


ENDPOINTS: Final = (
    *(Endpoint("POST", path, generations.create_task) for path in OPERATIONS),
    Endpoint("GET", "/v1/tasks/{task_id}", tasks.read_task),
    Endpoint("DELETE", "/v1/tasks/{task_id}", tasks.delete_task),
    Endpoint("POST", "/v1/uploads", uploads.create_upload),
    Endpoint("GET", "/v1/organization", organization.read_organization),
    Endpoint("POST", "/v1/organization/usage", organization.read_usage),
    Endpoint("POST", uploads.STORAGE_PATH, uploads.store_upload, Access.NOTHING),
    Endpoint("GET", "/outputs/{task_id}/{number:int}.mp4", outputs.read_output, Access.NOTHING),
    Endpoint("GET", "/_simulator/health", control.read_health, Access.NOTHING),
    Endpoint("GET", "/_simulator/ledger", control.read_ledger, Access.NOTHING),
    Endpoint("GET", "/_simulator/requests", control.read_requests, Access.NOTHING),
    Endpoint("GET", "/_simulator/tasks/{task_id}/body", control.read_task_body, Access.NOTHING),
    Endpoint("GET", "/_simulator/faults", control.read_faults, Access.NOTHING),
    Endpoint("POST", "/_simulator/faults", control.add_fault, Access.NOTHING),
    Endpoint("DELETE", "/_simulator/faults", control.clear_faults, Access.NOTHING),
    Endpoint("POST", "/_simulator/pause", control.pause, Access.NOTHING),
    Endpoint("POST", "/_simulator/resume", control.resume, Access.NOTHING),
    Endpoint("POST", "/_simulator/reset", control.reset, Access.NOTHING),
)


def create_app(config: Config | None = None) -> Starlette:
    """The simulator as an ASGI application; its state is `app.state.simulator`."""
    simulator = Simulator(config or Config())
    app = Starlette(
        routes=_routes(simulator),
        middleware=[Middleware(RequestLog, simulator=simulator)],
        exception_handlers={ApiError: _answer_api_error, HTTPException: _answer_http_error},
        lifespan=_lifespan(simulator),
    )
    app.state.simulator = simulator
    return app


class RequestLog:
    """Remembers every request except those to the simulator itself."""

    def __init__(self, app: ASGIApp, simulator: Simulator) -> None:
        self._app = app
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_simulator/"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "authorization" in headers:
            headers["authorization"] = "Bearer ***"
        seen = Seen(self._simulator.now(), scope["method"], scope["path"], headers)
        self._simulator.requests.append(seen)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        await self._app(scope, receive, send_and_note)


def _routes(simulator: Simulator) -> list[Route]:
    """One route per path: Starlette answers 405 only if all its methods stand together."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint

    def route(path: str, methods: dict[str, Endpoint]) -> Route:
        async def respond(request: Request) -> Response:
            endpoint = methods["GET" if request.method == "HEAD" else request.method]
            _check_access(request, endpoint.access, simulator)
            return await endpoint.handler(request, simulator)

        return Route(path, respond, methods=list(methods))

    return [route(path, methods) for path, methods in by_path.items()]


def _check_access(request: Request, access: Access, simulator: Simulator) -> None:
    """Raises ApiError 503, 401 or 400."""
    if simulator.paused and request.url.path.startswith("/v1/"):
        raise ApiError(503, "Service unavailable")
    if access is Access.NOTHING:
        return
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    accepted = simulator.config.keys
    if scheme.lower() != "bearer" or not key.startswith("key_") or (accepted and key not in accepted):
        raise ApiError(401, "Invalid API key")
    if key.endswith("revoked"):
        raise ApiError(401, "This API key has been disabled")
    if access is Access.KEY_AND_VERSION and request.headers.get("x-runway-version") != API_VERSION:
        raise ApiError(400, f"X-Runway-Version must be {API_VERSION}")


async def _answer_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405, in Runway's shape."""
    assert isinstance(error, HTTPException)
    return ApiError(error.status_code, error.detail, headers=error.headers).response()


def _lifespan(simulator: Simulator) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    folder = simulator.config.state_dir

    async def save_now_and_then() -> None:
        took = 0.0
        while folder is not None:
            # However much there is to save, it takes at most a twentieth of the event loop's time.
            await asyncio.sleep(max(simulator.config.save_interval_seconds, 20 * took))
            began = time.perf_counter()
            state = persistence.snapshot(simulator)
            took = time.perf_counter() - began
            await asyncio.to_thread(persistence.write, folder, state)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if folder is not None and (state := persistence.read(folder)) is not None:
            persistence.restore(simulator, state)
        saving = asyncio.create_task(save_now_and_then())
        try:
            yield
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving
            if folder is not None:
                persistence.write(folder, persistence.snapshot(simulator))
            simulator.close()

    return lifespan
