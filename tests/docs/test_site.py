"""The documentation holds together: pages, navigation, links."""

import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCS       = REPOSITORY / "docs"
PAGES      = sorted(DOCS.rglob("*.md"))
LINK       = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def test_the_navigation_names_every_page():
    listed = set(re.findall(r": (\S+\.md)$", (REPOSITORY / "mkdocs.yml").read_text(), re.MULTILINE))
    assert listed == {str(page.relative_to(DOCS)) for page in PAGES}


@pytest.mark.parametrize("page", [REPOSITORY / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    targets = [link for link in LINK.findall(page.read_text()) if not link.startswith(("http://", "https://"))]
    missing = [link for link in targets if not (page.parent / link).exists()]
    assert not missing


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install '.[dev]'")
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install '.[dev]'")
    config = pytest.importorskip("mkdocs.config")
    build  = pytest.importorskip("mkdocs.commands.build")
    loaded = config.load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(tmp_path / "site"))
    build.build(loaded)
    assert (tmp_path / "site" / "index.html").exists()
