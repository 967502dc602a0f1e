"""The description of the API: an OpenAPI 3.1 document and a page that shows it.

The document is generated from what the functions use: the route table, the catalogue, and the models of bodies.
"""

from tarmac.openapi.document import describe
from tarmac.openapi.page import docs_page

__all__ = ["describe", "docs_page"]
