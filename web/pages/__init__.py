"""One handler file a page. Templates say at their top what they need."""

from __future__ import annotations

from aiohttp import web

from web.pages import exam_review, join, landing, login, review, session, wall


def add_routes(app: web.Application) -> None:
    app.router.add_get("/", landing.show, name="landing")
    app.router.add_get("/login", login.show, name="login")
    app.router.add_post("/login", login.submit)
    app.router.add_post("/logout", login.logout, name="logout")
    app.router.add_get("/join/{token}", join.enter, name="join")
    app.router.add_get("/attempts/{attempt}/session", session.show, name="session")
    app.router.add_get("/attempts/{attempt}/review", review.show, name="review")
    app.router.add_get("/review/attempts/{attempt}", review.redirect)
    app.router.add_get("/exams/{exam}/wall", wall.show, name="wall")
    app.router.add_get("/exams/{exam}/review", exam_review.show, name="exam-review")
