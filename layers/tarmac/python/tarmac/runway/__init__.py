"""The client of the Runway API, its errors by their consequence, and its response formats."""
