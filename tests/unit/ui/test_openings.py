"""The first screen's place in Gradio's page."""

from __future__ import annotations

from mia_demo.ui.serving.first_screen import with_opening

PAGE = (
    b"<html><head><title>T</title><script>window.gradio_config = {};</script>"
    b'<link rel="stylesheet" href="a.css"><script src="a.js"></script></head>'
    b"<body><gradio-app></gradio-app></body></html>"
)


def test_what_is_seen_comes_before_all_scripts_and_styles_stay_in_the_head() -> None:
    page = with_opening(PAGE, "<p>First</p>").decode()
    head, _, body = page.partition("</head>")
    assert "a.css" in head
    assert "script" not in head
    order = ("<p>First</p>", "gradio_config", "a.js", "<gradio-app>")
    places = [body.index(part) for part in order]
    assert places == sorted(places)


def test_a_page_of_another_shape_or_a_login_stays_as_it_is() -> None:
    login = PAGE.replace(b"{}", b'{"auth_required":true}')
    for page in (login, PAGE.replace(b"gradio-app", b"app"), PAGE.replace(b"gradio_config", b"c")):
        assert with_opening(page, "<p>First</p>") == page
    assert with_opening(PAGE, "") == PAGE
