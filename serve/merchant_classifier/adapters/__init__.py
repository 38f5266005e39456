"""Doors to table engines, each a few lines over `scoring`; import the one you need."""
