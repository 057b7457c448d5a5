"""qmap."""
