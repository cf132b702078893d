"""Label smoothing against model inversion, live: see what a classifier remembers."""

__version__ = "0.1.0"
PROGRAM = "python -m mia_demo"
