"""Imports, and offers nothing."""
