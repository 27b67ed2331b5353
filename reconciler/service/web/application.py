"""The routes. Whatever asks the history does so in a thread: it is synchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Final

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from reconciler.errors import ReconcilerError
from reconciler.model.app import App
from reconciler.service.board import Board
from reconciler.service.monitor import History
from reconciler.service.web.events import Streams
from reconciler.service.web.guard import Guard
from reconciler.service.web.metrics import CONTENT_TYPE, Metrics
from reconciler.service.web.pages import Missing, Pages
from reconciler.service.web.templates import render, style

STATIC: Final = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class _Anything(Convertor[str]):
    """Keys of a hostile server may hold slashes and line breaks."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def create(
    history: History,
    board: Board,
    apps: Callable[[], Iterable[App]],
    clock: Callable[[], datetime],
    token: str | None = None,
) -> Starlette:
    """The application. `apps`: those of the files as they are at that moment. `clock`: now, aware. `token`: whoever
    asks for anything but the health endpoints must have it; None: only this machine may ask.
    """
    pages = Pages(history, board, apps, clock)
    metrics = Metrics(history, board, apps, clock)
    streams = Streams(board)

    async def page(request: Request, make: Callable[[Request], str]) -> Response:
        return HTMLResponse(await asyncio.to_thread(make, request))

    async def measured(_: Request) -> Response:
        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE)

    async def events(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if streams.full:
            raise HTTPException(503, "too many pages are open at the same time")
        return StreamingResponse(streams.events(), media_type="text/event-stream")

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse(*(("ready\n", 200) if board.ready else ("not yet\n", 503)))

    return Starlette(
        routes=[
            Route("/", partial(page, make=pages.overview)),
            Route("/apps/{name}", partial(page, make=pages.app)),
            Route("/people", partial(page, make=pages.people)),
            Route("/people/{key:anything}", partial(page, make=pages.person)),
            Route("/events", events),
            Route("/metrics", measured),
            Route("/healthz", healthy),
            Route("/readyz", ready),
            Route("/static/{name}", _static),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={HTTPException: _refused, Missing: _missing, ReconcilerError: _failed},
    )


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404)
    if name == "style.css":
        return Response(style(), media_type=STATIC[name])
    return Response((files("reconciler.service.web") / "static" / name).read_bytes(), media_type=STATIC[name])


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = "There is no such page." if error.status_code == 404 else f"{error.detail}."
    return HTMLResponse(render("refused.html", title=told, told=told, nav=""), error.status_code, error.headers)


async def _missing(_: Request, error: Exception) -> Response:
    return HTMLResponse(render("refused.html", title="Not found", told=str(error), nav=""), 404)


async def _failed(_: Request, error: Exception) -> Response:
    """The history can't be read: the page says so, and the cycles go on."""
    assert isinstance(error, ReconcilerError)
    told = f"The history can't be read at this moment: {error.message}."
    return HTMLResponse(render("refused.html", title="Not now", told=told, nav=""), 503)
