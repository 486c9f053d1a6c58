"""Parts of the report for a notebook."""

from goldfold.pages.html import Html, element, joined, page


def inline(*sections: tuple[str, Html], height: int = 600) -> Html:
    """Sections, by title, as a frame `height` pixels high, in which the report's style holds and outside of which it does not."""
    whole = page("", joined([]), [(title.lower().replace(" ", "-"), title, content) for title, content in sections])
    return element("div", element("iframe", srcdoc=whole, width="100%", height=str(height), frameborder="0"))
