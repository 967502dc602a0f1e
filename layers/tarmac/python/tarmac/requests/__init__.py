"""Request bodies: parsing, validation, spellings and price estimates."""
