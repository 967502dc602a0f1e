"""Media files: inputs of creates, uploads, and the archiving of outputs."""
