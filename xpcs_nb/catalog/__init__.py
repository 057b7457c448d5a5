"""The embedded catalogue: what was published, and how it is found again."""

from xpcs_nb.catalog._catalog import Catalog, SearchResult
from xpcs_nb.catalog._filters import Filter, Not
from xpcs_nb.catalog._record import DataCite, File, Record

__all__ = ["Catalog", "DataCite", "File", "Filter", "Not", "Record", "SearchResult"]
