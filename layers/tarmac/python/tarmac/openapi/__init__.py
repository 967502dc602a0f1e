"""What the API takes and answers, for machines (OpenAPI 3.1) and for people (a page that reads it).

Both are made from what the functions themselves use: the catalogue, and the models of `tarmac.requests.contract`.
"""

from tarmac.openapi.document import describe
from tarmac.openapi.page import docs_page

__all__ = ["describe", "docs_page"]
