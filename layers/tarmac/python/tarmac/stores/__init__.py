"""What the table holds, one kind of row a module. Keys: docs/decisions.md, "One table"."""
