"""Compute function: correlate one dataset."""


def correlate(
    raw: str, qmap: str, output: str, options: dict[str, object], metadata: str | None = None
) -> dict[str, object]:
    """Correlate the frames of a dataset with the qmap."""
    import importlib.util

    if importlib.util.find_spec("xpcs_nb") is not None:
        from xpcs_nb.flows._work import correlate_dataset

        return correlate_dataset(raw, qmap, output, options, metadata)

    # An endpoint that has boost_corr only: its command line, with the settings that avoid its known faults.
    import os
    import pathlib
    import subprocess
    import sys
    import tempfile
    import time

    torch = importlib.import_module("torch")

    wants_ours = options.get("engine") == "builtin" or str(options.get("type")).lower() == "twotime-log"
    if wants_ours or options.get("num_partial_g2"):
        raise RuntimeError(
            "engine=builtin, type=twotime-log and num_partial_g2 need xpcs_nb on the endpoint; it has boost_corr only."
        )
    wanted = int(str(options.get("gpu_id", -1)))
    if wanted >= 0 and not torch.cuda.is_available():
        raise RuntimeError(f"gpu_id={wanted} was asked for, and torch finds no GPU here.")
    folder = pathlib.Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    words = {
        "raw": raw,
        "qmap": qmap,
        "gpu-id": wanted,
        "normalize-frame": int(bool(options.get("normalize_frame", True))),
        "type": str(options.get("type", "multitau")).capitalize(),
        "crop-ratio-threshold": 1.1,
        "meta-fname": metadata,
        "prefix": options.get("prefix"),
        "suffix": options.get("suffix"),
        "smooth": options.get("smooth"),
    }
    words |= {
        name.replace("_", "-"): options.get(name) for name in ("begin_frame", "end_frame", "stride_frame", "avg_frame")
    }
    bins = options.get("dq_selection")
    if isinstance(bins, list | tuple):
        words["dq-selection"] = ",".join(str(each) for each in bins)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".correlate-") as part:
        command = [sys.executable, "-m", "boost_corr.cli", "--output", part]
        for name, value in words.items():
            if value is not None:
                command += [f"--{name}", str(value)]
        if options.get("save_g2"):
            command.append("--save-G2")
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a list, no shell
        last = "\n".join(done.stderr.splitlines()[-20:])
        made = sorted(pathlib.Path(part).glob("*_results*.hdf"))
        if done.returncode != 0 or not made:
            raise RuntimeError(
                f"boost_corr ended with exit code {done.returncode} and wrote {len(made)} results:\n{last}"
            )
        result = folder / made[0].name
        os.replace(made[0], result)
    return {
        "result": str(result),
        "seconds": round(time.monotonic() - begin, 3),
        "engine": "boost_corr",
        "device": torch.cuda.get_device_name(wanted) if wanted >= 0 else "cpu",
        "exit_code": done.returncode,
        "notes": last.splitlines()[-5:],
        "taken_over": False,
    }
