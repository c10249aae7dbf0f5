"""What an application with Sentry's real SDK does: ``main(scenario, dsn)``, in a process of its own.

The SDK patches what it finds, and keeps its client in globals.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import sentry_sdk


class CheckoutError(Exception):
    pass


def total(cart: dict[str, int]) -> int:
    return cart["shaggy"] + 1


def plain() -> None:
    try:
        total({})
    except KeyError as error:
        sentry_sdk.capture_exception(error)


def scope() -> None:
    sentry_sdk.set_tag("tenant", "acme")
    sentry_sdk.set_user({"id": "42", "email": "velma@example.com"})
    sentry_sdk.set_context("order", {"number": 7, "lines": {"count": 2}})
    sentry_sdk.add_breadcrumb(category="cart", message="one more", level="info", data={"sku": "sandwich"})
    current = sentry_sdk.get_current_scope()
    current.fingerprint = ["{{ default }}", "acme"]
    current.set_transaction_name("checkout")
    current.set_extra("attempt", 3)
    plain()


def chained() -> None:
    try:
        try:
            total({})
        except KeyError as error:
            raise CheckoutError("no total") from error
    except CheckoutError as error:
        sentry_sdk.capture_exception(error)


def during() -> None:
    try:
        try:
            total({})
        except KeyError:
            raise CheckoutError("no total")  # noqa: B904 - the context is what is looked at
    except CheckoutError as error:
        sentry_sdk.capture_exception(error)


def _failing(number: int) -> None:
    raise ValueError(f"part {number}")


def group() -> None:
    errors = []
    for number in (1, 2):
        try:
            _failing(number)
        except ValueError as error:
            errors.append(error)
    try:
        raise ExceptionGroup("two parts", errors)  # noqa: TRY301 - a frame of its own would hide the group's
    except ExceptionGroup as error:
        sentry_sdk.capture_exception(error)


def logged() -> None:
    logging.getLogger("shop.cart").warning("only a breadcrumb")
    logging.getLogger("shop.cart").error("order %s of %s failed", 7, "velma")


def logged_exception() -> None:
    try:
        total({})
    except KeyError:
        logging.getLogger("shop.cart").exception("order %s failed", 7)


def message() -> None:
    sentry_sdk.capture_message("the mansion is dark", level="fatal")


def uncaught() -> None:
    total({})


def in_thread() -> None:
    thread = threading.Thread(target=total, args=({},))
    thread.start()
    thread.join()


def in_task() -> None:
    async def work() -> None:
        sentry_sdk.init(**SETTINGS, integrations=[_asyncio_integration()])
        await asyncio.gather(asyncio.create_task(_task()), return_exceptions=True)

    asyncio.run(work())


def _asyncio_integration() -> Any:
    from sentry_sdk.integrations.asyncio import AsyncioIntegration

    return AsyncioIntegration()


async def _task() -> None:
    total({})


def django_view() -> None:
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path
    from werkzeug.test import Client

    def show(request: HttpRequest, number: int) -> HttpResponse:
        return HttpResponse(total({}))

    settings.configure(ROOT_URLCONF=(path("orders/<int:number>/", show),), ALLOWED_HOSTS=["*"], SECRET_KEY="x")
    django.setup()
    headers = {"Authorization": "Bearer hunter2hunter2hunter2", "Accept": "text/html"}
    Client(get_wsgi_application()).get("/orders/7/?page=2", headers=headers)


def flask_view() -> None:
    from flask import Flask

    app = Flask("shop")

    @app.route("/orders/<int:number>")
    def show(number: int) -> str:
        return str(total({}))

    app.test_client().get("/orders/7?page=2", headers={"Cookie": "session=hunter2", "Accept": "text/html"})


def everything_else() -> None:
    """A transaction, a session, a check-in: accepted, and no alert."""
    from sentry_sdk.crons import monitor

    with sentry_sdk.start_transaction(name="checkout", op="task"):
        pass
    with monitor(monitor_slug="nightly"):
        pass
    with sentry_sdk.isolation_scope() as one:
        one.start_session()
        one.end_session()
    plain()


SETTINGS: dict[str, Any] = {}


def main(scenario: str, dsn: str) -> None:
    SETTINGS.update(dsn=dsn, release="shop@1.4.2", environment="staging", server_name="i-1", shutdown_timeout=20)
    if scenario == "everything_else":
        SETTINGS["traces_sample_rate"] = 1.0
    sentry_sdk.init(**SETTINGS)
    globals()[scenario]()
    sentry_sdk.flush(20)
