"""The widget without a browser: messages in, messages out."""

import asyncio
import threading
import time

import ipywidgets
import pytest

import xpcs_nb
from xpcs_nb.errors import OptionError
from xpcs_nb.widgets import browse
from xpcs_nb.widgets._browse_calls import Answer, Caller, Later


@pytest.fixture
def talk(facility):
    """Give the widget, and a function that asks it as the browser does."""
    widget = browse(facility)
    yield widget, asking(widget)
    widget.close()


def asking(widget):
    sent = []
    widget.view.send = lambda message, buffers=None: sent.append((message, buffers))

    def ask(name, **arguments):
        sent.clear()
        widget.view._handle_custom_msg({"id": "1", "call": name, "args": arguments}, [])
        return sent[-1]

    return ask


def test_one_message_starts_with_the_first_page(talk):
    _, ask = talk
    (message, _) = ask("start")
    value = message["value"]
    assert message["ok"]
    assert value["page"]["total"] == 65
    assert value["sites"][0] == "local"
    assert {"type", "avg_frame", "queue", "walltime"} <= {each["name"] for each in value["options"]}
    assert {"overwrite", "suffix"}.isdisjoint(each["name"] for each in value["options"])


def test_pictures_come_beside_the_message(talk):
    widget, ask = talk
    rows = widget.portal.page({"text": '"latex at"', "size": 2})["rows"]
    message, buffers = ask("thumbnails", subjects=["file:///gone", *(row["subject"] for row in rows)])
    assert message["value"] == [None, 0, 1]
    assert all(each.startswith(b"RIFF") for each in buffers)


def test_what_is_selected_is_there_for_the_notebook(talk):
    widget, ask = talk
    ask("select", subjects=["file:///bare", "file:///gone"])
    assert widget.selected == ["file:///bare", "file:///gone"]


def test_an_error_is_said_with_its_kind(talk):
    widget, ask = talk
    assert ask("detail", subject="file:///nobody")[0]["kind"] == "MissingKeyError"
    assert "no such call" in ask("shell")[0]["error"]
    message, _ = ask("compare", subjects=["file:///bare"])
    assert not message["ok"]
    assert "no result file" in message["error"]
    assert ask("reprocess", subjects=["file:///bare"], qmap={"of": "drawn"}, suffix="x")[0]["kind"] == "OptionError"
    with pytest.raises(OptionError, match="Open the editor"):
        _ = widget.qmap


def test_a_fault_of_the_program_is_told_and_logged(talk, caplog):
    widget, ask = talk
    widget.portal.detail = lambda subject: 1 / 0
    widget._caller._calls["detail"] = lambda subject: 1 / 0
    message, _ = ask("detail", subject="file:///bare")
    assert message["error"] == "ZeroDivisionError: division by zero"
    assert "a call of the portal failed" in caplog.text


def test_the_editor_opens_below_and_gives_its_qmap(processed):
    facility, _ = processed
    widget = browse(facility)
    ask = asking(widget)
    subject = widget.portal.page({"text": "A001_first"})["rows"][0]["subject"]
    assert ask("draw", subjects=[subject])[0]["ok"]
    assert isinstance(widget._stage.children[0], ipywidgets.Widget)
    assert widget.qmap.mask.shape == (64, 64)
    ask("unstage")
    assert widget._stage.children == ()


@pytest.mark.skipif(not hasattr(xpcs_nb, "explore"), reason="there is no explorer")
def test_the_explorer_opens_below_on_several(processed):
    facility, _ = processed
    widget = browse(facility)
    rows = widget.portal.page({"text": "A00*", "size": 2})["rows"]
    message, _ = asking(widget)("explore", subjects=[row["subject"] for row in rows])
    assert message["ok"], message
    assert isinstance(widget._stage.children[0], ipywidgets.Widget)
    widget.close()


def test_slow_calls_leave_the_kernel_free_and_come_back_in_its_thread():
    sent, threads = [], []

    def slow(say):
        say("half")
        time.sleep(0.1)
        threads.append(threading.current_thread())
        return Later(lambda: threads.append(threading.current_thread()) or Answer(1))

    caller = Caller({"slow": slow}, lambda message, _: sent.append(message), at_once=set(), talking={"slow"})

    async def main():
        caller({"id": 1, "call": "slow"})
        assert sent == []
        while len(sent) < 2:
            await asyncio.sleep(0.01)

    asyncio.run(main())
    caller.close()
    assert sent == [{"id": 1, "progress": "half"}, {"id": 1, "ok": True, "value": 1}]
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()
