"""The open workbook in Excel: what the ribbon's buttons run."""
