"""How the page's files are served."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from service import problems
from service.page_routes import page_files, router


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI(docs_url=None)
    problems.install(app, hints={})
    app.include_router(router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def test_every_file_is_served_and_known_again(client: httpx.AsyncClient) -> None:
    names = [name for name in page_files() if not name.endswith(".html")]
    assert {"app.js", "style.css", "icon.svg", "i18n/eu.js"} <= set(names)
    for path in ("/", "/docs", *(f"/assets/{name}" for name in names)):
        answer = await client.get(path)
        assert answer.status_code == 200 and answer.content, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"
        again = await client.get(path, headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.head(path)).headers["etag"] == answer.headers["etag"]


async def test_a_browser_is_told_to_run_nothing_else(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize(
    "name", ["../page_routes.py", "..%2fpage_routes.py", "i18n", "i18n/", "no.js", "/etc/passwd", ""]
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/assets/{name}")).status_code == 404


def test_modules_import_what_is_there_and_the_page_names_no_other_host() -> None:
    files = page_files()
    for name, file in files.items():
        if name.startswith("swagger/"):
            continue
        text = file.body.decode()
        folder = name.rpartition("/")[0]
        for imported in re.findall(r"from '\./([^']+)'", text):
            assert "/".join(filter(None, (folder, imported))) in files, (name, imported)
        hosts = set(re.findall(r"https?://[^\s'\"`/<]+", text)) - {"http://www.w3.org"}
        assert not hosts, (name, hosts)
