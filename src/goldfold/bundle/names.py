"""What a bundle is called as a data set on Kaggle."""

import hashlib
import re
import unicodedata

LEAST, MOST = 6, 50
"""The characters in a name of a data set on Kaggle; those of a notebook may be one fewer."""


def data_set_name(name: str) -> str:
    """Return the name on Kaggle for any name: lower-case letters, digits and dashes, 6 to 50 of them.

    Where more is lost than capitals and what stands between words, a hash keeps names apart.
    """
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if LEAST <= len(slug) <= MOST and re.fullmatch(r"[\w. -]+", name, flags=re.ASCII):
        return slug
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    kept = slug[: MOST - len(digest) - 1].strip("-") or "bundle"
    return f"{kept}-{digest}"
