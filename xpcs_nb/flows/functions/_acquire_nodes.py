"""Compute function: wait until the scheduler has given nodes, and look at them."""


def acquire_nodes(gpu_id: int, release: str, python: str) -> dict[str, object]:
    """Acquire nodes: return once one runs, with what can correlate there and on which device."""
    import importlib.metadata
    import importlib.util
    import os
    import platform
    import socket

    engines: dict[str, str] = {}
    for module, package in (("xpcs_nb", "xpcs-nb"), ("boost_corr", "boost-corr")):
        if importlib.util.find_spec(module) is not None:
            try:
                engines[module] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                engines[module] = "of a checkout"

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".")[:2] if part.isdecimal()]

    if numbers(platform.python_version()) < numbers(python):
        raise RuntimeError(
            f"Python {platform.python_version()} runs on the compute node {socket.gethostname()}; "
            f"needed: {python} or newer."
        )
    found = numbers(engines.get("xpcs_nb", release))
    if found and found != numbers(release):
        raise RuntimeError(
            f"xpcs_nb {engines['xpcs_nb']} is installed on the compute node {socket.gethostname()}; "
            f"needed: the same release as at the sender, {release}."
        )
    if not engines:
        raise RuntimeError(
            f"neither xpcs_nb nor boost_corr is installed on the compute node {socket.gethostname()} "
            f"(Python {platform.python_version()}). Install one of them where the endpoint's worker_init points."
        )
    device = "cpu"
    if gpu_id >= 0:
        if importlib.util.find_spec("torch") is None:
            raise RuntimeError(f"gpu_id={gpu_id} was asked for, and torch is not installed on {socket.gethostname()}.")
        # By name, since only the endpoint may need it.
        torch = importlib.import_module("torch")

        if not torch.cuda.is_available() or gpu_id >= torch.cuda.device_count():
            raise RuntimeError(
                f"gpu_id={gpu_id} was asked for, and {socket.gethostname()} has {torch.cuda.device_count()} GPUs "
                f"that torch {torch.__version__} can use. Ask for a queue with GPUs, or use gpu_id=-1."
            )
        device = torch.cuda.get_device_name(gpu_id)
    return {"host": socket.gethostname(), "cores": os.cpu_count() or 1, "device": device, "engines": engines}
