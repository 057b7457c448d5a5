"""Compute function: is this endpoint fit for the flow."""


def check_endpoint(packages: dict[str, str], python: str) -> dict[str, object]:
    """Check Python and packages at the endpoint before anything is moved."""
    import importlib.metadata
    import platform
    import socket

    problems: list[str] = []
    found: dict[str, str] = {}

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())

    if numbers(platform.python_version()) < numbers(python):
        problems.append(f"Python {platform.python_version()}, needed: {python} or newer")
    for name, version in packages.items():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed, needed: {version}")
            continue
        if numbers(found[name]) != numbers(version):
            problems.append(f"{name} {found[name]}, needed: the same release as at the sender, {version}")
    if problems:
        raise RuntimeError(
            f"the compute endpoint on {socket.gethostname()} can't run this flow: {'; '.join(problems)}. "
            f"Install what is missing in the environment that the endpoint's worker_init activates."
        )
    return {"host": socket.gethostname(), "python": platform.python_version(), "packages": found}
