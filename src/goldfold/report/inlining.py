"""Parts of the report for a notebook."""

from goldfold.pages.html import Html, element, joined, page


def inline(*sections: tuple[str, Html], height: int = 600) -> Html:
    """Return sections, by title, as a frame `height` pixels high, so that the report's style affects nothing else."""
    whole = page("", joined([]), [(title.lower().replace(" ", "-"), title, content) for title, content in sections])
    return element("div", element("iframe", srcdoc=whole, width="100%", height=str(height), frameborder="0"))
