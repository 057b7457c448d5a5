"""Write the definitions, and the function of `Publishv2`, into the package."""

from __future__ import annotations

from pathlib import Path

from xpcs_nb.flows.definitions._generate import generate

if __name__ == "__main__":
    for path, text in generate().items():
        (Path(__file__).resolve().parents[1] / path).write_text(text)
