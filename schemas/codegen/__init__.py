"""Runs the recipes of `schemas/README.md`, and proves what it says of each."""
