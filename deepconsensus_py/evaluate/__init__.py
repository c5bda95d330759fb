"""Reads against truth, quality calibration tables, and run reports."""
