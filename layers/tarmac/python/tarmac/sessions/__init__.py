"""Live sessions: create, connect, consume, watch and finish them; client tokens for pages."""
