"""What the crate of a result says that no recipe has made: the reduction, as its own provenance tells it."""

from __future__ import annotations

import json
from pathlib import Path

from xpcs_nb.errors import MissingKeyError
from xpcs_nb.recipes._crate import CrateBuilder

__all__ = ["describe_result"]


def describe_result(builder: CrateBuilder, path: Path, scratch: Path) -> None:
    """Put a result, its qmap with the edits, its figures and its provenance into a crate.

    Files that are made for it go to `scratch`.

    Raises
    ------
    MissingKeyError
        The result does not say how it was made.
    """
    from xpcs_nb.plots import save_all
    from xpcs_nb.qmap import QMap
    from xpcs_nb.results import open_result

    with open_result(path) as tree:
        said = dict(tree["provenance"].attrs) if "provenance" in tree.children else {}
        if "options" not in said:
            raise MissingKeyError("the result does not say how it was made", path=path, where="provenance")
        figures = save_all(tree, scratch / "figures")
        raw = str(tree.attrs.get("raw") or "")
    QMap.from_result(path).save(scratch / "qmap.hdf")
    document = {**said, "result": path.name, "raw": raw}
    (scratch / "provenance.json").write_text(json.dumps(document, indent=1, default=str))
    name = path.name.removesuffix("_results.hdf")
    builder.describe(f"{name}", f"XPCS result of {Path(raw).name or name}, reduced by xpcs_nb", "process")
    made = [builder.file(path, path.name, description="The result")]
    made += [builder.file(file, f"figures/{file.name}", description="A figure") for file in figures.values()]
    qmap = builder.file(scratch / "qmap.hdf", "qmap.hdf", description="Mask and partition, with their edits")
    made.append(builder.file(scratch / "provenance.json", "provenance.json", description="How the result was made"))
    versions = {key: value for key, value in said.get("versions", {}).items() if key not in ("python", "platform")}
    software = builder.software(versions)
    used = [qmap]
    used += [builder.input(each["path"], each.get("sha256", "")) for each in said.get("inputs", [])]
    used += [builder.value(f"#option-{key}", key, value) for key, value in said["options"].items()]
    builder.action(
        "#reduction",
        "Reduction",
        {
            "endTime": said.get("finished"),
            "description": f"Engine {said.get('engine')} on {said.get('device')}",
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        },
        instrument=software[0],
        object=used,
        result=made,
    )
