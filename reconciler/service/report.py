"""The page as one HTML file that needs nothing else: all apps, what is held, the history as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from reconciler.model.app import App
from reconciler.render.page import hash_of
from reconciler.service.monitor import History
from reconciler.service.web.pages import ordered, shown_app, summary
from reconciler.service.web.templates import render, style


def report(history: History, apps: Iterable[App], now: datetime, period: str = "7") -> str:
    """`period`: of the picture, in days: 1, 7 or 30. Its policy lets nothing run, and loads nothing."""
    by_name = {app.name: app for app in apps}
    shown = {name: shown_app(history, app, now, period) for name, app in by_name.items()}
    statuses = ordered(each.status for each in shown.values())
    css = style()
    return render(
        "report.html",
        now=now,
        apps=[shown[status.app] for status in statuses],
        summary=summary(statuses),
        style=css,
        policy=f"default-src 'none'; style-src '{hash_of(css)}'; base-uri 'none'; form-action 'none'",
    )
