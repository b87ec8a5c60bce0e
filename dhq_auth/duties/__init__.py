"""Duties that one process at a time does for all: whoever holds the row, for as long as it does."""
