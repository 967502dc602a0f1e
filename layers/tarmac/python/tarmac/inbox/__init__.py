"""The S3 inbox: objects, presets, pairs, request files and batches."""
