"""goldfold: from a competition's files to a validated submission."""

__version__ = "0.1.0"
