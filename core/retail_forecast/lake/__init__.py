"""The lake: raw bytes, checked lines, baskets, quarantine, and the published states that tie them together."""
