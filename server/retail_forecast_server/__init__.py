"""The inference server: one app over verified bundles. Imports the domain, the kernel and the bundle, nothing that
trains."""
