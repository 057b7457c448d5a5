"""Where flows run."""
