"""The definitions: generated, deployed as they are, and each step can be begun at."""

import json
from pathlib import Path

import pytest

import xpcs_nb.flows
from xpcs_nb.flows.definitions import FLOWS, functions_of, load

ONLINE = [
    "CheckEndpoint",
    "SourceTransfer",
    "ExtractMetadata",
    "PrePublishTransfer",
    "PrePublishIngest",
    "AcquireNodes",
    "Correlate",
    "MakePlots",
    "GatherMetadata",
    "Publishv2GatherMetadata",
    "Publishv2Transfer",
    "Publishv2Ingest",
    "SetPermission",
    "TransferResult",
]


def actions(name):
    return [each for each, state in load(name)["States"].items() if state["Type"] == "Action"]


def test_generating_them_again_gives_the_same_bytes():
    pytest.importorskip("gladier")
    from xpcs_nb.flows.definitions._generate import generate

    folder = Path(xpcs_nb.flows.__file__).parent
    for path, text in generate().items():
        assert (folder / path).read_text() == text, f"run python -m xpcs_nb.flows.definitions: {path} differs"


def test_the_online_flow_has_the_steps_of_the_seed_in_their_order():
    assert actions("online") == ONLINE


def test_the_reprocessing_flow_applies_a_qmap_and_renames():
    listed = actions("reprocess")
    order = [
        "TransferDataset",
        "TransferQmap",
        "ApplyQmap",
        "Correlate",
        "MakePlots",
        "RenameDataset",
        "Publishv2Ingest",
    ]
    assert [each for each in listed if each in order] == order


@pytest.mark.parametrize("name", FLOWS)
def test_a_run_can_begin_at_every_action_and_fails_with_its_message(name):
    definition = load(name)
    start = definition["States"][definition["StartAt"]]
    assert [each["Next"] for each in start["Choices"]] == actions(name)
    for each in actions(name):
        state = definition["States"][each]
        assert state["ExceptionOnActionFailure"] is True
        assert state["WaitTime"] > 0
        assert state["ResultPath"] == f"$.{each}"


@pytest.mark.parametrize("name", FLOWS)
def test_compute_is_version_3_and_every_function_is_there(name):
    text = json.dumps(load(name))
    assert '"payload' not in text
    assert '"endpoint.$"' not in text
    assert "compute.actions.globus.org/v3" in text
    names = {each.__name__ for each in functions_of(name)}
    assert all(f"{each.removesuffix('_function_id')}" in names for each in _function_ids(text))


def _function_ids(text):
    return {word.split('"')[0] for word in text.split("$.input.")[1:] if word.split('"')[0].endswith("_function_id")}


@pytest.mark.parametrize("name", FLOWS)
def test_this_machine_can_run_them(name, facility):
    flow_id, functions = facility.services.flows.deploy(FLOWS[name], load(name), functions_of(name))
    assert facility.services.flows.deploy(FLOWS[name], load(name), functions_of(name)) == (flow_id, functions)
