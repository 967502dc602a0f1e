"""The ASGI application: CORS, pause, key, version, error shape and request log of every request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from local.simulator import persistence
from local.simulator.config import Config
from local.simulator.endpoints import CONSUME, ENDPOINTS, Access, Endpoint
from local.simulator.responses import ApiError
from local.simulator.routes import cometapi, rtc
from local.simulator.simulator import LoggedRequest, Simulator

API_VERSION: Final = "2024-11-06"
_log: Final = logging.getLogger(__name__)


def create_app(config: Config | None = None) -> Starlette:
    """The simulator as an ASGI application; its state is `app.state.simulator`."""
    simulator = Simulator(config or Config())
    app = Starlette(
        routes=_routes(simulator),
        middleware=[Middleware(RequestLog, simulator=simulator), Middleware(BrowserAccess)],
        exception_handlers={ApiError: _answer_api_error, HTTPException: _answer_http_error},
        lifespan=_lifespan(simulator),
    )
    app.state.simulator = simulator
    return app


class RequestLog:
    """Records every request except those to /_simulator."""

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
        entry = LoggedRequest(self._simulator.now(), scope["method"], scope["path"], headers)
        self._simulator.requests.append(entry)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        await self._app(scope, receive, send_and_note)


class BrowserAccess:
    """Adds CORS headers where Runway does: browsers consume a session's credentials themselves."""

    _path: Final = re.compile(re.sub(r"\{\w+\}", "[^/]+", CONSUME))
    _headers: Final = (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", b"authorization, content-type, x-runway-version"),
        (b"access-control-max-age", b"600"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._path.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        preflight = scope["method"] == "OPTIONS"
        await (Response(status_code=204) if preflight else self._app)(scope, receive, send_with_headers)


def _routes(simulator: Simulator) -> list[BaseRoute]:
    """One route per path with all its methods: only then does Starlette answer 405."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint

    def route(path: str, methods: dict[str, Endpoint]) -> Route:
        async def respond(request: Request) -> Response:
            endpoint = methods["GET" if request.method == "HEAD" else request.method]
            _check_access(request, endpoint.access, simulator)
            return await endpoint.handler(request, simulator)

        return Route(path, respond, methods=list(methods))

    async def visit(socket: WebSocket) -> None:
        await rtc.visit(socket, simulator)

    sockets = [WebSocketRoute(path, visit) for path in (rtc.PATH, f"{rtc.PATH}/{{rest:path}}")]
    return [*sockets, *(route(path, methods) for path, methods in by_path.items())]


def _check_access(request: Request, access: Access, simulator: Simulator) -> None:
    """Check pause, key and version; raises ApiError 503, 401 or 400."""
    if simulator.paused and request.url.path.removeprefix(cometapi.PREFIX).startswith("/v1/"):
        raise ApiError(503, "Service unavailable")
    if access is Access.NOTHING:
        return
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    accepted, any_key = simulator.config.keys, access is not Access.KEY_AND_VERSION
    known = key if any_key else key.startswith("key_") and (not accepted or key in accepted)
    if scheme.lower() != "bearer" or not known:
        raise ApiError(401, "Invalid API key")
    if key.endswith("revoked"):
        raise ApiError(401, "This API key has been disabled")
    if access is not Access.ANY_KEY and request.headers.get("x-runway-version") != API_VERSION:
        raise ApiError(400, f"X-Runway-Version must be {API_VERSION}")


async def _answer_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    """Answer Starlette's own 404 and 405 in Runway's shape."""
    assert isinstance(error, HTTPException)
    return ApiError(error.status_code, error.detail, headers=error.headers).response()


def _lifespan(simulator: Simulator) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    folder = simulator.config.state_dir

    async def save_periodically() -> None:
        took = 0.0
        while folder is not None:
            # A snapshot blocks the event loop: it may take at most a twentieth of the time, however large it is.
            await asyncio.sleep(max(simulator.config.save_interval_seconds, 20 * took))
            began = time.perf_counter()
            state = persistence.snapshot(simulator)
            took = time.perf_counter() - began
            await asyncio.to_thread(persistence.write, folder, state)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if folder is not None:
            _resume(simulator, folder)
        saving = asyncio.create_task(save_periodically())
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


def _resume(simulator: Simulator, folder: Path) -> None:
    """Restore the state of the last run; an unreadable state is renamed and the simulator starts empty."""
    try:
        if (state := persistence.read(folder)) is not None:
            persistence.restore(simulator, state)
    except persistence.Unreadable as error:
        aside = persistence.set_aside(folder)
        _log.warning(
            "The simulator's state is unreadable (%s). Starting empty; the old file was renamed to %s", error, aside
        )
