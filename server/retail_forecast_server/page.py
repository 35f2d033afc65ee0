"""The pages: a basket to build at `/`, the OpenAPI document for people at `/docs`. They load nothing from elsewhere.

Their policies let the browser run each page's one script and style, by their digests, and talk to this server alone.
Pages set styles from their script, which such a policy allows; style attributes in the text it would not.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BASKET", "DOCS", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the Content-Security-Policy it is sent with."""

    text: str
    policy: str


def _page(name: str) -> Page:
    text = (Path(__file__).parent / name).read_text("utf-8")
    policy = (
        "default-src 'none'",
        f"script-src {_digests(text, 'script')}",
        f"style-src {_digests(text, 'style')}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return Page(text, "; ".join(policy))


def _digests(text: str, tag: str) -> str:
    found = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", text)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in found)


BASKET = _page("basket.html")
DOCS = _page("docs.html")
