"""The local facility, this machine: verified copies between folders, and the embedded catalogue."""

from xpcs_nb.facility.local._paths import catalogue_path, data_folder
from xpcs_nb.facility.local._transfer import TransferredFile, transfer

__all__ = ["TransferredFile", "catalogue_path", "data_folder", "transfer"]
