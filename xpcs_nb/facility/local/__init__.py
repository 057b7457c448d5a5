"""facility/local."""
