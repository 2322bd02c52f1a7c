"""The page's files: whole, served as what they are, and without anything from elsewhere."""

import re
from importlib.resources import files
from typing import Any

import pytest

PAGE = {file.name: file.read_text() for file in files("fgsbir.web").joinpath("page").iterdir()}
SCRIPTS = [name for name in PAGE if name.endswith(".js")]
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def test_the_page_is_at_the_root_beside_its_files_and_nothing_else(client: Any) -> None:
    assert client.get("/").text == PAGE["index.html"]
    for name, text in PAGE.items():
        answer = client.get(f"/page/{name}")
        assert answer.text == text and answer.headers["content-type"].startswith(TYPES[name.rpartition(".")[2]])
    for path in ("/page/", "/page/none.js", "/page/..%2fapp.py", "/page/__init__.py", "/docs", "/page"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.json()["message"], path


def test_what_the_files_name_is_there() -> None:
    named = [name for text in PAGE.values() for name in re.findall(r'["(]/page/([\w.]+)', text)]
    assert {"page.js", "page.css", "pad.js"} <= set(named) <= set(PAGE)
    ids = set(re.findall(r'\bid="([\w-]+)"', PAGE["index.html"]))
    used = {id for name in SCRIPTS for id in re.findall(r'\b(?:by|on)\("([\w-]+)"', PAGE[name])}
    assert used and used <= ids
    assert set(re.findall(r'href="#([\w-]+)"', PAGE["index.html"])) <= ids


@pytest.mark.parametrize("name", PAGE)
def test_nothing_comes_from_elsewhere_and_nothing_needs_a_weaker_policy(name: str) -> None:
    text = PAGE[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", text)
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|\son\w+=|\sstyle=", text)
