"""Compute function: make a qmap the one of this run."""


def apply_qmap(raw: str, qmap: str, target: str) -> dict[str, object]:
    """Check the qmap against the frames and make it the one that is used."""
    import pathlib
    import shutil

    from xpcs_nb.frames import open_frames
    from xpcs_nb.qmap import QMap

    new = QMap.from_file(qmap)
    with open_frames(raw, shape=new.shape) as source:
        new.validate(shape=source.shape)
    place = pathlib.Path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    shutil.copyfile(qmap, part)
    part.replace(place)
    return {"qmap": target, "hash": new.hash}
