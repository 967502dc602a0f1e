"""Media files: inputs on their way to Runway, outputs on their way to the archive, uploads."""
