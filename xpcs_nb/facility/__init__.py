"""Where flows run: this machine, or a Globus site; both offer the same services."""

from xpcs_nb.facility._services import (
    Catalogue,
    Definition,
    FlowService,
    LogEntry,
    RunDocument,
    RunStatus,
    Services,
)

__all__ = ["Catalogue", "Definition", "FlowService", "LogEntry", "RunDocument", "RunStatus", "Services"]
