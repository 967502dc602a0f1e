"""/rtc: the room of live sessions. It accepts any WebSocket, records its token, and sends nothing."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from local.simulator.simulator import Simulator, Visit

PATH: Final = "/rtc"


async def validate(_request: Request, _simulator: Simulator) -> Response:
    """200: LiveKit's client calls this after a connection has failed."""
    return PlainTextResponse("success", headers={"Access-Control-Allow-Origin": "*"})


async def visit(socket: WebSocket, simulator: Simulator) -> None:
    """Record the connection and keep it open until the viewer closes it."""
    token = socket.query_params.get("access_token")
    sessions = simulator.library.sessions.values()
    session_id = next((each.id for each in sessions if token in each.tokens), None)
    noted = Visit(simulator.now(), socket.url.path, token, session_id)
    simulator.visits.append(noted)
    await socket.accept()
    try:
        while True:
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        noted.open = False
