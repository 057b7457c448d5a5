"""The file of a site whose services are those of a sandbox."""

from __future__ import annotations

from pathlib import Path

from xpcs_nb.testing import Sandbox

END = """
[collections.{role}]
id = "{id}"
root = "{root}"
"""
SITE = """
name = "{name}"
kind = "globus"
{ends}
[endpoints]
login = "{endpoint}"
compute = "{endpoint}"
[processing]
folder = "{processing}/runs"
[publish]
folder = "{publish}/results"
index = "{index}"
{more}
"""


def write_site(path: Path, sandbox: Sandbox, more: str = "", **ends: tuple[str, Path]) -> Path:
    """Write a site, called as its file, with the ends `source`, `processing` and `publish`: id and root of each."""
    text = SITE.format(
        name=path.stem,
        ends="".join(END.format(role=role, id=name, root=root) for role, (name, root) in ends.items()),
        endpoint=sandbox.endpoint_id,
        index=sandbox.index_id,
        processing=ends["processing"][1],
        publish=ends["publish"][1],
        more=more,
    )
    path.write_text(text)
    return path
