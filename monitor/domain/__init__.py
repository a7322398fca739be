"""Frozen values every stage shares. Imports the standard library only.

All times are timezone-aware UTC ``datetime`` values.
"""
