"""/v1/routers, and POST /v1/generate/{video,image,audio}."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator import contract
from local.simulator.checks import Issue
from local.simulator.library import Router
from local.simulator.listing import page
from local.simulator.responses import ApiError, invalid
from local.simulator.routes.creating import must_pass, read_create
from local.simulator.routes.generations import accept_create
from local.simulator.routing import DEFAULT_SETTINGS, Decision, decide, resolved_input
from local.simulator.simulator import Simulator
from local.simulator.tasks import iso

# Routers


async def create_router(request: Request, simulator: Simulator) -> Response:
    """200 with the whole router; its name defaults to its slug."""
    create = await read_create(request, simulator)
    return create.answer(router_json(add_router(simulator, create.body, str(uuid.uuid4()))))


def add_router(simulator: Simulator, body: Any, router_id: str) -> Router:
    """Add a router; raises ApiError 400."""
    _must_pass("RouterCreateParams", body)
    slug = body["slug"]
    namesake = _by_slug(simulator, slug)
    if namesake is not None and namesake.id != router_id:
        raise invalid(Issue("custom", ("slug",), "A router with this slug exists"))
    now = simulator.now()
    router = Router(
        id=router_id,
        slug=slug,
        name=body.get("name", slug),
        description=body.get("description"),
        settings={**DEFAULT_SETTINGS, **body.get("settings", {})},
        version=1,
        created_at=now,
        updated_at=now,
    )
    simulator.library.routers[router_id] = router
    return router


async def list_routers(request: Request, simulator: Simulator) -> Response:
    routers = simulator.library.routers.values()
    return JSONResponse(page(request.query_params, routers, lambda each: (each.created_at, each.id), router_json))


async def read_router(request: Request, simulator: Simulator) -> Response:
    return JSONResponse(router_json(_router(request, simulator)))


async def change_router(request: Request, simulator: Simulator) -> Response:
    """200 with the whole router. Settings are merged; changed settings increment the version."""
    router, create = _router(request, simulator), await read_create(request, simulator)
    _must_pass("RouterUpdateParams", body := create.body)
    router.name = body.get("name", router.name)
    router.description = body.get("description", router.description)
    settings = _merged(router.settings, body.get("settings", {}))
    if settings != router.settings:
        router.settings, router.version = settings, router.version + 1
    router.updated_at = simulator.now()
    return create.answer(router_json(router))


def _must_pass(type_name: str, body: Any) -> None:
    """Check the body of a router; raises ApiError 400, also for an unknown model."""
    must_pass(contract.request_check(type_name), body)
    named = body.get("settings", {}).get("models", {}).get("ids", ())
    unknown = [number for number, name in enumerate(named) if name not in contract.models()]
    if unknown:
        path = ("settings", "models", "ids", unknown[0])
        raise invalid(Issue("invalid_value", path, f"Invalid option: unknown model {named[unknown[0]]}"))


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with nested changes; null removes a setting."""
    merged = dict(settings)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name, {}), value) if isinstance(value, Mapping) else value
    return merged


async def delete_router(request: Request, simulator: Simulator) -> Response:
    del simulator.library.routers[_router(request, simulator).id]
    return Response(status_code=204)


async def list_router_requests(request: Request, simulator: Simulator) -> Response:
    """200 with a page of the router's decisions, newest first."""
    numbered = list(enumerate(_router(request, simulator).requests))
    return JSONResponse(
        page(request.query_params, numbered, lambda each: (each[0], each[1]["id"]), lambda each: each[1])
    )


def router_json(router: Router) -> dict[str, Any]:
    return {
        "id": router.id,
        "slug": router.slug,
        "name": router.name,
        "description": router.description,
        "settings": router.settings,
        "version": router.version,
        "createdAt": iso(router.created_at),
        "updatedAt": iso(router.updated_at),
    }


def _router(request: Request, simulator: Simulator) -> Router:
    router = simulator.library.routers.get(request.path_params["router_id"])
    if router is None:
        raise ApiError(404, "Router not found")
    return router


def _by_slug(simulator: Simulator, slug: str) -> Router | None:
    return next((each for each in simulator.library.routers.values() if each.slug == slug), None)


# Generating


async def generate(request: Request, simulator: Simulator) -> Response:
    """200 `{"id", "routing"}`; 404 for an unknown router, 400 if no model is eligible."""
    modality = request.url.path.rpartition("/")[2]
    create = await read_create(request, simulator)
    must_pass(contract.request_check(f"generate.{modality.capitalize()}CreateParams"), create.body)
    router = _by_slug(simulator, create.body["configId"])
    if router is None:
        raise ApiError(404, "Router config not found", more={"code": "router_config_not_found"})
    decision = decide(router, modality, create.body["input"])
    _note(simulator, router, decision, None)
    if decision.chosen is None:
        why = {"code": "no_eligible_model", "pipeline": decision.pipeline, "emptiedBy": decision.emptied_by}
        raise ApiError(400, "No model is eligible for this request", more=why)
    task = accept_create(simulator, create, decision.path, body=decision.chosen.body)
    router.requests[-1]["taskId"] = task.id
    return create.answer({"id": task.id, "routing": _routing_json(router, modality, decision, create.body["input"])})


def _routing_json(router: Router, modality: str, decision: Decision, wanted: Mapping[str, Any]) -> dict[str, Any]:
    chosen = decision.chosen
    assert chosen is not None
    ceiling = (router.settings.get("maxCreditsPerGeneration") or {}).get(modality)
    return {
        "configId": router.slug,
        "model": chosen.name,
        "provider": _provider(chosen.name),
        "resolvedSettings": {"optimizeFor": router.settings.get("optimizeFor", "cost"), "priceCeiling": ceiling},
        "resolvedInput": resolved_input(modality, chosen, wanted),
        "estimatedCost": {"credits": chosen.credits},
    }


def _note(simulator: Simulator, router: Router, decision: Decision, task_id: str | None) -> None:
    chosen = decision.chosen
    only = chosen is not None and decision.pipeline[-1]["outcome"] == "single_candidate"
    router.requests.append(
        {
            "id": str(uuid.uuid4()),
            "requestId": str(uuid.uuid4()),
            "createdAt": iso(simulator.now()),
            "status": "no_eligible_model" if chosen is None else "routed",
            "model": chosen and chosen.name,
            "provider": chosen and _provider(chosen.name),
            "taskId": task_id,
            "estimatedCredits": chosen and chosen.credits,
            "reason": chosen and "It costs least.",
            "reasonCode": chosen and ("only_eligible_model" if only else "lowest_cost"),
            "pipeline": decision.pipeline,
            "emptiedBy": decision.emptied_by,
        }
    )


def _provider(model: str) -> str:
    """The provider of a model, by the beginning of its name."""
    own = ("gen3", "gen4", "aleph", "act_", "gwm", "ruby")
    return "runway" if model.startswith(own) else model.partition("_")[0].rstrip("0123456789.")
