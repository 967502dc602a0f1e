"""Pictures of the state machines, drawn from their definitions: `make pictures`. No drawing program is needed."""
