"""Rendering: pages out of templates, and files that appear in one step."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["render", "write_page"]


def render(template: str, **values: Any) -> str:
    """The page that `template` makes of `values`; a value that it misses is an error."""
    environment = Environment(
        loader=PackageLoader("retail_forecast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def write_page(text: str, path: Path) -> None:
    """Write `text` to `path`; an earlier file there is replaced in one step, or not at all.

    Raises
    ------
    OSError : the folder cannot be made or written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
