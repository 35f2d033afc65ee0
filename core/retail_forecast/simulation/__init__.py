"""A made-up retailer whose tills write files like the real ones, for whoever has no data yet."""
