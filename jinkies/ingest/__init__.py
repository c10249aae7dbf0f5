"""HTTP in: one module a wire format, from bytes to commands."""
