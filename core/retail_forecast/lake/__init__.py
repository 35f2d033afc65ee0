"""The lake: raw bytes, checked lines, baskets and what was set aside, with one published state that names every table's version."""
