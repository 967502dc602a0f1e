"""Many at once, on a local stack of their own."""
