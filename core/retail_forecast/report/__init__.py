"""The page that shows a run: data quality, figures, plots and lineage in one HTML file."""
