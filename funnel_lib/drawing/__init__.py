"""What every figure and every table on a page is drawn with."""
