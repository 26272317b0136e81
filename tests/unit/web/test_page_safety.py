"""That pages harm nobody, whatever they show, and what they load."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.policy import Gate, Policy, Tier
from exporter.slo.records import Acknowledgement, Incident, Override, TierChange
from exporter.slo.snapshot import TierStatus
from exporter.web.daemon import Source
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import EVIL, ONE, SPENT, history, shot, with_status

ESCAPED = "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&#39;"


class Elements(HTMLParser):
    """Collects the tags of a page with their attributes, and complains of unclosed ones."""

    VOID = frozenset({"br", "meta", "link", "input", "option"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


class TestSafety:
    @pytest.fixture
    def web(self) -> Web:
        """Everything that comes from outside is hostile."""
        tier = Tier(EVIL, 0.0, Gate.BLOCK, EVIL, "https://example.com/")
        of = slo(
            service=EVIL,
            name=EVIL,
            group_by=("region",),
            labels={"owner": EVIL},
            description=EVIL,
            criticality=EVIL,
            policy=Policy(EVIL, (tier,)),
            maintenance=(one_off(EVIL, AT - 60, AT + 60),),
        )
        base = snapshot((subject(of, groups={"region": EVIL}, problem=EVIL), SPENT))
        found = with_status(
            base,
            tier_status=TierStatus(held=EVIL, changes=(TierChange(AT, EVIL, EVIL, EVIL, 0.5),)),
            incidents=(Incident(AT, AT, 1, 0.1, False, True, Acknowledgement(AT, EVIL, EVIL)),),
            override=Override(EVIL, EVIL, EVIL, EVIL, AT, AT + 60),
        )
        web = Web(found)
        web.daemon.history = history(1.0, 2.0)
        web.daemon.origin = Source("https://example.com", (EVIL,))
        return web

    def test_everything_is_escaped(self, web):
        """On both pages and in the filters; what is no tag of ours is text."""
        [link] = re.findall(r'<th scope="row"><a href="([^"]*)"', web.page())
        for path in ("/?q=%22%3E%3Cscript%3E", "/", link.replace("&amp;", "&")):
            page = web.page(path)
            scripts = [attrs for tag, attrs in Elements(page).found if tag == "script"]
            assert len(scripts) == 1
            assert scripts[0]["src"].startswith("/static/page.js?v=")
        assert page.count(ESCAPED) > 20

    def test_nothing_is_inline_and_nothing_is_elsewhere(self, web):
        """No style, no handler; what is loaded comes from here."""
        for path in ("/", re.findall(r'<th scope="row"><a href="([^"]*)"', web.page())[0]):
            for tag, attrs in Elements(web.page(path.replace("&amp;", "&"))).found:
                assert tag != "style"
                assert not [name for name in attrs if name == "style" or name.startswith("on")]
                if tag in {"link", "script", "img"}:
                    assert str(attrs.get("href") or attrs.get("src")).startswith("/static/")

    def test_the_policy_of_the_page_is_strict(self):
        """Headers are the second line of defence."""
        headers = Web(shot()).ask("/").headers
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"

    def test_its_links_lead_somewhere(self):
        """Every path that the pages name is there."""
        web = Web(shot())
        for path in ("/", ONE):
            links = set(re.findall(r'(?:href|src)="([^"]*)"', web.page(path)))
            links = {link.replace("&amp;", "&") for link in links if not link.startswith("#")}
            assert links >= {"/-/healthy", "/-/ready", "/api/v1/status", "/config", "/metrics"}
            assert {web.ask(link).status_code for link in links} == {200}


class TestAssets:
    def test_they_are_kept_for_ever_under_their_hash(self):
        """A new version has a new name; a browser that has it is not sent it again."""
        web = Web(shot())
        [url] = re.findall(r'href="(/static/style.css\?v=\w+)"', web.page())
        found = web.ask(url)
        assert found.headers["Content-Type"] == "text/css; charset=utf-8"
        assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = web.ask(url, If_None_Match=found.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("query", ["", "?v=old"])
    def test_without_their_hash_they_are_asked_for_again(self, query):
        """An old page must not keep what is new under an old name."""
        assert Web().ask(f"/static/page.js{query}").headers["Cache-Control"] == "no-cache"

    @pytest.mark.parametrize("name", ["nothing.css", "..%2Fpages.py", "%2e%2e/templates/slo.html"])
    def test_others_are_not_found(self, name):
        """Nothing but what lies in the folder."""
        assert Web().ask(f"/static/{name}").status_code == 404
