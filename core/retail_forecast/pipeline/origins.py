"""The settings in force, each with the place it comes from: a default, the workspace's file, a variable or a flag."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import EnvSettingsSource, YamlConfigSettingsSource

from retail_forecast.domain.settings import SETTINGS_FILE, Settings, load_settings

__all__ = ["Setting", "settings_in_force"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force: `key` is dotted, `origin` names a file, a variable or "flag", else says "default"."""

    key: str
    value: str
    origin: str


def settings_in_force(workspace: Path) -> tuple[Setting, ...]:
    """All settings of `workspace`, in the order of their definition.

    Raises
    ------
    UsageError : a setting does not fit
    """
    settings = load_settings(workspace).model_dump(mode="json")
    variables = set(dict(_leaves(EnvSettingsSource(Settings)())))
    file = workspace / SETTINGS_FILE
    written = set(dict(_leaves(YamlConfigSettingsSource(Settings, yaml_file=file)())))

    def origin(key: str) -> str:
        if key in variables:
            return "RETAIL_FORECAST_" + key.upper().replace(".", "__")
        if key in written:
            return str(file)
        return "flag" if key == "workspace" and workspace != Settings.model_fields["workspace"].default else "default"

    return tuple(Setting(key, str(value), origin(key)) for key, value in _leaves(settings))


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
