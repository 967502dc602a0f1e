"""Runway's Python SDK in both its forms, called alike, by the names of its methods."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from runwayml import AsyncRunwayML, DefaultAsyncHttpxClient, DefaultHttpxClient, RunwayML
from runwayml._resource import AsyncAPIResource, SyncAPIResource

FORMS: Final = ("sync", "async")
WAITING_AT_ONCE: Final = 64


class Sdk:
    """`await sdk("tasks.retrieve", id)`. `called` records the names that a test has really called."""

    def __init__(self, client: RunwayML | AsyncRunwayML, in_thread: Callable[..., Any] | None) -> None:
        self.client = client
        self.called: set[str] = set()
        self._in_thread = in_thread

    async def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        self.called.add(method)
        return await self._run(resolve(self.client, method), *arguments, **named)

    async def create(self, method: str, body: Mapping[str, Any]) -> Any:
        """A create, of a body in the contract's words."""
        return await self(method, **as_arguments(body))

    async def waited(self, created: Any) -> Any:
        """Return the result of `wait_for_task_output`. It sleeps for six seconds before each poll."""
        return await self._run(created.wait_for_task_output)

    async def listed(self, method: str, *arguments: Any, **named: Any) -> list[Any]:
        """Return all pages of a list, as a loop over the SDK's page requests them."""
        self.called.add(method)
        listing = resolve(self.client, method)
        if self._in_thread is not None:
            pages: list[Any] = await self._run(lambda: list(listing(*arguments, **named)))
            return pages
        return [each async for each in listing(*arguments, **named)]

    async def _run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._in_thread is not None:
            return await self._in_thread(function, *arguments, **named)
        return await function(*arguments, **named)


@asynccontextmanager
async def opened(form: str, base_url: str, key: str, **options: Any) -> AsyncIterator[Sdk]:
    """The SDK in one of FORMS. Without the shell's proxies, which do not know our loopback."""
    if form == "async":
        http = DefaultAsyncHttpxClient(trust_env=False)
        async with AsyncRunwayML(api_key=key, base_url=base_url, http_client=http, **options) as client:
            yield Sdk(client, None)
        return
    with (
        ThreadPoolExecutor(WAITING_AT_ONCE) as threads,
        RunwayML(
            api_key=key, base_url=base_url, http_client=DefaultHttpxClient(trust_env=False), **options
        ) as client_in_threads,
    ):

        async def in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(threads, lambda: function(*arguments, **named))

        yield Sdk(client_in_threads, in_thread)


def resolve(client: Any, method: str) -> Callable[..., Any]:
    """`organization.webapp.list_usage` of a client."""
    found = client
    for name in method.split("."):
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


def methods(client: Any) -> set[str]:
    """The names of all methods of all resources that the installed SDK has."""
    return set(_methods(client, ""))


def _methods(node: Any, prefix: str) -> Iterator[str]:
    is_resource = isinstance(node, SyncAPIResource | AsyncAPIResource)
    for name in dir(type(node)):
        if name.startswith(("_", "with_")):
            continue
        if callable(getattr(type(node), name)):
            # The client's own methods (`post`, `copy`, …) belong to no resource.
            if is_resource:
                yield prefix + name
        elif isinstance(inner := getattr(node, name), SyncAPIResource | AsyncAPIResource):
            yield from _methods(inner, f"{prefix}{name}.")


def as_arguments(body: Any) -> Any:
    """The contract's words in Python's spelling, at every depth: `promptText` → `prompt_text`."""
    if isinstance(body, Mapping):
        return {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): as_arguments(each) for name, each in body.items()}
    return [as_arguments(each) for each in body] if isinstance(body, list) else body
