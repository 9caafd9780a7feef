"""Writes a plan as a workbook file, without Excel."""
