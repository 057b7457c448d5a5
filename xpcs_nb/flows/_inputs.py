"""The input of each flow, checked before a run is started; the definitions read it as `$.input`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "About",
    "BatchInput",
    "CorrelateInput",
    "Given",
    "OnlineInput",
    "PublicationInput",
    "ReprocessInput",
    "Transfer",
    "TransferItem",
]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TransferItem(_Input):
    """A file or folder, by its paths in the two collections."""

    source_path: str = Field(pattern="^/")
    destination_path: str = Field(pattern="^/")
    recursive: bool = False


class Transfer(_Input):
    """A transfer between two collections."""

    source_endpoint: str
    destination_endpoint: str
    items: list[TransferItem] = Field(min_length=1)


class Given(_Input):
    """What the sender says of a dataset; `values` goes to the record's metadata and wins over what is measured."""

    dataset: str = Field(min_length=1)
    title: str | None = None
    visible_to: list[str] = Field(min_length=1, max_length=100)
    raw: str
    values: dict[str, Any] = Field(default_factory=dict)


class CheckInput(_Input):
    """Python and packages that the endpoint has to have."""

    packages: dict[str, str]
    python: str


class AcquireInput(_Input):
    """The device that is asked for, and what the nodes have to have."""

    gpu_id: int = -1
    release: str
    python: str


class CorrelateInput(_Input):
    """A reduction on the processing machine; paths of its file system."""

    raw: str
    qmap: str
    output: str
    options: dict[str, Any]
    metadata: str | None = None


class PlotsInput(_Input):
    """A result, and the folder of its plots."""

    result: str
    output: str


class FirstRecordInput(_Input):
    """The record while the dataset is processed, and where its metadata file goes."""

    metadata: str
    raw: str
    given: Given
    publication: dict[str, str]


class PublicationInput(_Input):
    """Input of `Publishv2`; the gathering of metadata adds the rest."""

    destination: str
    source_collection: str
    destination_collection: str
    index: str
    visible_to: list[str]
    source_collection_basepath: str
    destination_url_hostname: str | None = None
    checksum_algorithms: list[str] = ["sha256"]
    enable_publish: bool = True
    enable_transfer: bool = True


class GatherInput(_Input):
    """The folder to be published, the files to be put into it, and the record's file."""

    folder: str
    given: Given
    files: list[str]
    record: str
    publishv2: PublicationInput


class PermissionInput(_Input):
    """Who is to be given access to what was published."""

    enable: bool = False
    endpoint_id: str = ""
    path: str = ""
    principal: str = ""


class QmapInput(_Input):
    """The qmap to check and use."""

    raw: str
    qmap: str
    target: str


class RenameInput(_Input):
    """Old and new folder and name of a dataset."""

    folder: str
    name: str
    new_folder: str
    new_name: str


class About(_Input):
    """What the sender has to know of a run later on; the definitions don't read it."""

    flow: Literal["online", "reprocess", "batch"]
    version: str
    site: str
    dataset: str | None = None
    subject: str | None = None
    published: str | None = None
    processed: str | None = None
    back: str | None = None
    source: dict[str, Any] = Field(default_factory=dict)


class _Common(_Input):
    xpcs_nb: About
    start_at: str | None = None
    login_endpoint: str
    compute_endpoint: str
    user_endpoint_config: dict[str, Any]
    check_endpoint: CheckInput
    acquire_nodes: AcquireInput
    set_permission: PermissionInput
    transfer_back: bool = False

    @property
    def label(self) -> str:
        """What the run is called."""
        return self.xpcs_nb.dataset or self.xpcs_nb.flow

    def body(self, functions: dict[str, str]) -> dict[str, Any]:
        """Return what a run is started with."""
        content = self.model_dump(mode="json")
        if self.start_at is None:
            del content["start_at"]
        return {"input": {**content, **functions}}


class _Dataset(_Common):
    correlate: CorrelateInput
    make_plots: PlotsInput
    gather_metadata: GatherInput
    publishv2: PublicationInput
    result_transfer_source_endpoint_id: str
    result_transfer_destination_endpoint_id: str
    result_transfer_source_path: str
    result_transfer_destination_path: str
    result_transfer_recursive: bool = True


class OnlineInput(_Dataset):
    """Input of the flow `online`."""

    source_transfer: Transfer
    extract_metadata: FirstRecordInput


class ReprocessInput(_Dataset):
    """Input of the flow `reprocess`."""

    transfer_dataset: Transfer
    transfer_qmap: Transfer
    apply_qmap: QmapInput
    rename_dataset: RenameInput


class PrepareInput(_Input):
    """The manifest: what is common, and name, raw files and metadata file of each dataset."""

    manifest: str
    common: dict[str, Any]
    datasets: list[tuple[str, list[str], str | None]] = Field(min_length=1)


class BatchInput(_Common):
    """Input of the flow `batch`."""

    manifest: str
    prepare_batch: PrepareInput
    correlate_tasks: list[dict[str, Any]]
    plot_tasks: list[dict[str, Any]]
    publish: bool = True

    @property
    def label(self) -> str:
        """What the run is called."""
        listed = self.prepare_batch.datasets
        return f"{len(listed)} datasets: {listed[0][0]}" + (", ..." if len(listed) > 1 else "")

    def body(self, functions: dict[str, str]) -> dict[str, Any]:
        """Return what a run is started with; the tasks get the ids of their functions."""
        whole = super().body(functions)
        for step in ("correlate", "plot"):
            for task in whole["input"][f"{step}_tasks"]:
                task["function_id"] = functions[f"{step}_batch_function_id"]
        return whole
