from .errors import XpcsError

__all__ = ["XpcsError"]
