"""The workbook people open."""
