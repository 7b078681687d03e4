# SPDX-License-Identifier: Apache-2.0
"""The scopes that an app's own manifest names, and the manifest without one of them."""

import pathlib
import re
import tomllib


def scopes_of(manifest):
    """All that it asks for, as a set of names."""
    said = tomllib.loads(pathlib.Path(manifest).read_text(encoding="utf-8"))
    return {*said["required_scopes"], *said["optional_scopes"]}


def manifest_without(world, manifest, scope):
    """The same but for one scope ("" for none), of an app of its own, which is called by the letters of the scope, or
    "whole". Returns that name and the path."""
    name = re.sub("[^a-z]", "", scope) or "whole"
    text = pathlib.Path(manifest).read_text(encoding="utf-8")
    if scope:
        text = re.sub(rf'"{re.escape(scope)}", |,? ?"{re.escape(scope)}"', "", text)
    text = re.sub(r'(?m)^(app_id = ".*)"$', rf'\1.{name}"', text)
    # Two programs of one name would have to be named by the user.
    text = re.sub(r'(?m)^display_name = ".*"$', f'display_name = "{name}"', text)
    path = pathlib.Path(world.path(f"{name}.manifest.toml"))
    path.write_text(text, encoding="utf-8")
    if scopes_of(path) != scopes_of(manifest) - {scope}:
        raise AssertionError(text)
    return name, str(path)
