"""The pages that are generated, the links, and what the chapter for newcomers promises."""

import functools
import re
from pathlib import Path

import pytest

import wengert
from wengert import reference
from wengert.core.primitive import TABLE

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md")])


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_is_what_the_table_says(name):
    """Not an assertion on the texts, whose difference nobody could read."""
    if (DOCS / "reference" / name).read_text() != reference.PAGES[name]():
        pytest.fail(f"docs/reference/{name} is stale: run `python -m wengert.reference docs/reference`")


@pytest.mark.parametrize("name", reference.PAGES)
def test_no_page_depends_on_where_and_when_it_is_written(name):
    page = reference.PAGES[name]()
    assert " at 0x" not in page
    assert str(ROOT) not in page


def section(page, title):
    return re.split(r"^##+ ", page.partition(f"\n### {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_rules_of_every_row_are_printed():
    page = reference.primitives_page()
    for row in reference.rows():
        text = section(page, row.name)
        assert text.count("* partial in") == len(row.partials or ())
        assert text.count("* transpose in") == len(row.transposes or ())
        assert ("* push: " in text, "* pull: " in text) == (row.push is not None, row.pull is not None)
        for rule in (row.evaluate, *(row.partials or ()), *(row.transposes or ()), row.push, row.pull):
            if rule is not None:
                assert f"`{reference.text_of(rule)}`" in text
                assert reference.definition_of(rule) is None or "```python\n" in text


def test_the_text_of_a_rule_is_that_of_its_file():
    sin, hypot = (TABLE[name].partials for name in ("sin", "hypot"))
    assert reference.text_of(sin[0]) == "lambda x: cos(x)"
    assert [reference.text_of(p) for p in hypot] == [
        "lambda x, out: x / nonzero(out)",
        "lambda y, out: y / nonzero(out)",
    ]
    assert '"""The transpose of `cholesky_push`' in section(reference.primitives_page(), "cholesky")


def test_every_public_name_has_a_section_and_says_something():
    page = reference.api_page()
    for name in wengert.__all__:
        assert f"\n## {name}\n" in page
        assert getattr(wengert, name).__doc__


# ---------------------------------------------------------------- links


def headings(page):
    """Anchors as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def links(page):
    text = re.sub(r"^```.*?^```|`[^`\n]*`(?!\])", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in links(page):
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if fragment and there.suffix == ".md":
            assert fragment in set(headings(there)), target
        if fragment and there.suffix == ".py":
            assert int(fragment.removeprefix("L")) <= len(there.read_text().splitlines()), target


@functools.cache
def pages_from_the_index():
    seen, waiting = set(), [DOCS / "index.md"]
    while waiting:
        here = waiting.pop()
        seen.add(here)
        there = {(here.parent / t.partition("#")[0]).resolve() for t in links(here) if not t.startswith("#")}
        waiting += [p for p in there if p.suffix == ".md" and p not in seen and DOCS in p.parents]
    return seen


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda p: str(p.relative_to(DOCS)))
def test_every_page_can_be_reached_from_the_index(page):
    assert page in pages_from_the_index()


# ---------------------------------------------------------------- the chapter for newcomers


def test_from_scratch_is_short():
    executed = re.findall(r"^(>>>|\.\.\.)", (DOCS / "from_scratch.md").read_text(), re.MULTILINE)
    assert 100 < len(executed) <= 300
