from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.paper import to_html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("", ""),
        ("One\ntwo", "<p>One two</p>"),
        ("One\n\ntwo", "<p>One</p>\n<p>two</p>"),
        ("# Part\ntext", "<h2>Part</h2>\n<p>text</p>"),
        ("#### Deep", "<h5>Deep</h5>"),
        ("- a\n- *b*", "<ul><li>a</li><li><em>b</em></li></ul>"),
        ("1. a\n2. **b**", "<ol><li>a</li><li><strong>b</strong></li></ol>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("```\na < *b*\n```\nafter", "<pre><code>a &lt; *b*</code></pre>\n<p>after</p>"),
        ("use `a*b*c` here", "<p>use <code>a*b*c</code> here</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
    ],
)
def test_the_part_of_markdown_that_papers_use(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


ALLOWED = {"p", "h2", "h3", "h4", "h5", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "em"}


@given(st.text(alphabet=st.sampled_from("ab<>&\"'`*#-> \n1.()[]"), max_size=200))
def test_nothing_but_plain_tags_comes_out(markdown: str) -> None:
    tags = re.findall(r"<\s*/?\s*([^>]*)>", to_html(markdown))
    assert set(tags) <= ALLOWED
