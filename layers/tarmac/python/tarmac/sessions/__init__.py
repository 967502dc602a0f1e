"""Live sessions: create, connect, consume, watch, finish, and client tokens for pages."""
