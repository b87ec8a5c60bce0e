"""Conditions on rows of our own tables, as the database reads them."""
