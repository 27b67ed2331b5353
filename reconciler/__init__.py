"""Access to applications, the way good teams ship code."""

__version__ = "0.1.0"
