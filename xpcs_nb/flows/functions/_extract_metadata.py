"""Compute function: what was measured, as the first record of a dataset."""


def extract_metadata(
    metadata: str, raw: str, given: dict[str, object], publication: dict[str, object]
) -> dict[str, object]:
    """Extract the metadata of the measurement and prepare the record that says it is being processed."""
    from xpcs_nb.flows._describe import dc_block
    from xpcs_nb.flows._work import describe_dataset

    fields = describe_dataset(metadata, given, raw)
    return {
        "search": {
            "search_index": publication["index"],
            "subject": publication["subject"],
            "visible_to": given["visible_to"],
            "id": "metadata",
            "content": {"dc": dc_block(fields), "files": [], **fields},
        },
        "transfer": {
            "source_endpoint": publication["source_collection"],
            "destination_endpoint": publication["destination_collection"],
            "DATA": [
                {
                    "source_path": publication["metadata_path"],
                    "destination_path": publication["metadata_destination"],
                    "recursive": False,
                }
            ],
        },
    }
