"""The page at /docs: the OpenAPI document for people, with a form to try it. It loads nothing from elsewhere.

Its policy lets the browser run this one script and style, by their digests, and talk to this server alone.
"""

import base64
import hashlib
import re
from pathlib import Path

__all__ = ["PAGE", "PAGE_POLICY"]

PAGE = (Path(__file__).parent / "page.html").read_text("utf-8")


def _digests(tag: str) -> str:
    texts = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", PAGE)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts)


PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_digests('script')}",
        f"style-src {_digests('style')}",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
