"""Whatever stands in an address or a form, the answer is a sentence and never a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from app.core import jobs
from app.core.actor import Role
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import sign_in, things
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

ODD = ("a\0b", "9" * 20, "2147483648", "²", "x" * 2000)
QUERIES = ("about", "building", "household", "page", "search", "section", "state", "order", "code")


def test_odd_ids_in_every_address_are_answered_calmly(app: Flask) -> None:
    world, client = World(app), CheckedClient(app)
    values = things(world, "HXL")
    sign_in(client, world, values, Role.CLERK)
    asked = 0
    for rule in app.url_map.iter_rules():
        for name in rule.arguments - {"filename"}:
            known = {other: values.get(other, "x") for other in rule.arguments}
            for odd in ODD:
                path = rule.rule
                for other in rule.arguments:
                    shown = quote(odd if other == name else str(known[other]), safe="")
                    for form in (f"<{other}>", f"<int:{other}>", f"<path:{other}>"):
                        path = path.replace(form, shown)
                # The pages themselves are checked elsewhere; here thousands are asked for.
                method = client.raw.get if "GET" in (rule.methods or ()) else client.raw.post
                assert method(path).status_code < 500, path
                asked += 1
    assert asked > 500


def test_odd_queries_are_answered_calmly(app: Flask) -> None:
    world, client = World(app), CheckedClient(app)
    values = things(world, "HXL")
    sign_in(client, world, values, Role.CLERK)
    # With a worker that lives, "is it ready" is answered by yes.
    jobs.beat()
    paths = [
        rule.rule.replace("<code>", "HXL")
        for rule in app.url_map.iter_rules()
        if rule.arguments <= {"code"} and "GET" in (rule.methods or ())
    ]
    for path in paths:
        for odd in ODD:
            query = "&".join(f"{name}={quote(odd, safe='')}" for name in QUERIES)
            assert client.raw.get(f"{path}?{query}").status_code < 500, (path, odd)


def test_a_form_with_a_nul_is_refused_in_words_and_changes_nothing(app: Flask) -> None:
    world, client = World(app), CheckedClient(app)
    values = things(world, "HXL")
    sign_in(client, world, values, Role.RESIDENT)
    topic = values["topic_id"]
    once = client.fields(f"/c/HXL/say?about=topic:{topic}", f"/c/HXL/say?about=topic:{topic}")
    answer = client.post(f"/c/HXL/say?about=topic:{topic}", once | {"text": "长椅\0放树下"})
    assert (answer.status_code, "没有保存" in answer.text) == (400, True)


def test_a_view_cookie_of_strange_digits_is_the_normal_view(client: CheckedClient) -> None:
    for text in ("²", "٣٠", "9" * 50, "\x7f"):
        client.raw.set_cookie("linyi_view", quote(text))
        assert client.get("/").status_code == 200
        client.raw.set_cookie("linyi_view", text)
        assert client.get("/").status_code == 200
    answer = client.post("/view", {"text": "²", "next": "/"})
    assert answer.status_code == 303
