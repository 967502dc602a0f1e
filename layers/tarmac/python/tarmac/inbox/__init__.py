"""The S3 inbox: uploaded objects, presets, pairs, request files and batches."""
