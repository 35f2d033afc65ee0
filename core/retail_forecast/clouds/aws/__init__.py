"""AWS: what Terraform sets up in a region, what it costs, and what is left after it was torn down."""
