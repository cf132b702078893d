"""What each command of ``python -m mia_demo`` does."""
