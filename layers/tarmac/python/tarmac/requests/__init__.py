"""What a caller sends: its shape, its validation, its price."""
