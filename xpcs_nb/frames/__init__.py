"""Raw data of every format seen as a sequence of frames, or of photons, without loading the series."""

from xpcs_nb.frames._open import open_frames

__all__ = ["open_frames"]
