"""The version of the package, on its own, so that every room may know it."""

__all__ = ["__version__"]

__version__ = "0.3.0"
