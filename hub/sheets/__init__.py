"""Tables as people keep them: Excel and CSV files, read into text and written from it."""

from hub.sheets.reading import LARGEST_SHEET, Line, Table, read_table
from hub.sheets.writing import write_csv, write_xlsx

__all__ = ["LARGEST_SHEET", "Line", "Table", "read_table", "write_csv", "write_xlsx"]
