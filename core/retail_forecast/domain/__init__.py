"""The language of the system: columns, baskets, labels, the fiscal calendar, settings and errors. Imports nothing of
ours."""
