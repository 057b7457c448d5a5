"""The real TransferClient moves real files between the folders of a sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import globus_sdk
import pytest
import requests
from globus_sdk.scopes import GCSCollectionScopes
from globus_sdk.transport import RetryConfig

from xpcs_nb.testing import Sandbox


def test_a_file_arrives_under_another_name(clients, folders: dict[str, Path], source: str, target: str) -> None:
    content = bytes(range(256)) * 5000
    (folders[source] / "raw.bin").write_bytes(content)
    data = globus_sdk.TransferData(source, target, label="to the cluster")
    data.add_item("/raw.bin", "/A001/scan.bin")
    task = clients.transfer.submit_transfer(data)["task_id"]
    assert clients.transfer.task_wait(task, timeout=20, polling_interval=1)
    document = clients.transfer.get_task(task)
    assert document["status"] == "SUCCEEDED"
    assert document["bytes_transferred"] == len(content)
    assert (folders[target] / "A001" / "scan.bin").read_bytes() == content
    arrived = clients.transfer.task_successful_transfers(task)["DATA"]
    assert [one["destination_path"] for one in arrived] == ["/A001/scan.bin"]
    assert clients.transfer.task_event_list(task)["DATA"][0]["code"] == "SUCCEEDED"
    assert [one["name"] for one in clients.transfer.operation_ls(target, path="/A001")] == ["scan.bin"]


def test_a_folder_arrives_with_all_that_is_in_it(
    clients, folders: dict[str, Path], source: str, target: str, until: Callable
) -> None:
    for name in ("a.txt", "in/b.txt", "in/deep/c.txt"):
        path = folders[source] / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    data = globus_sdk.TransferData(source, target)
    data.add_item("/tree", "/copy", recursive=True)
    task = clients.transfer.submit_transfer(data)["task_id"]
    until(lambda: clients.transfer.get_task(task)["status"] == "SUCCEEDED")
    found = {path.relative_to(folders[target]).as_posix() for path in folders[target].rglob("*.txt")}
    assert found == {"copy/a.txt", "copy/in/b.txt", "copy/in/deep/c.txt"}


def test_submitting_again_makes_no_second_task(clients, folders: dict[str, Path], source: str, target: str) -> None:
    (folders[source] / "one").write_text("1")
    data = globus_sdk.TransferData(source, target)
    data.add_item("/one", "/one")
    first = clients.transfer.submit_transfer(data)
    second = clients.transfer.submit_transfer(data)
    assert (first["code"], second["code"]) == ("Accepted", "Duplicate")
    assert first["task_id"] == second["task_id"]
    assert clients.transfer.task_list()["total"] == 1


def test_what_is_missing_holds_a_task_up_until_it_is_there(
    clients, folders: dict[str, Path], source: str, target: str, until: Callable
) -> None:
    data = globus_sdk.TransferData(source, target)
    data.add_item("/late", "/late")
    task = clients.transfer.submit_transfer(data)["task_id"]
    held = until(lambda: (one := clients.transfer.get_task(task))["nice_status"] == "FILE_NOT_FOUND" and one)
    assert held["status"] == "ACTIVE"
    assert held["is_ok"] is False
    assert held["faults"] == 1
    (folders[source] / "late").write_text("here")
    until(lambda: clients.transfer.get_task(task)["status"] == "SUCCEEDED")
    assert (folders[target] / "late").read_text() == "here"


def test_an_endpoint_goes_offline_and_comes_back(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, target: str, until: Callable
) -> None:
    (folders[source] / "one").write_text("1")
    sandbox.set_endpoint(target, online=False)
    client = clients.keep(globus_sdk.TransferClient(app=clients.app, retry_config=RetryConfig(max_retries=0)))
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.operation_mkdir(target, "/new")
    assert (caught.value.http_status, caught.value.code) == (502, "ExternalError.DirListingFailed.GCDisconnected")
    assert clients.transfer.get_endpoint(target)["gcp_connected"] is False
    data = globus_sdk.TransferData(source, target)
    data.add_item("/one", "/one")
    task = clients.transfer.submit_transfer(data)["task_id"]
    until(lambda: clients.transfer.get_task(task)["nice_status"] == "GC_NOT_CONNECTED")
    sandbox.set_endpoint(target)
    until(lambda: clients.transfer.get_task(task)["status"] == "SUCCEEDED")
    sandbox.set_endpoint(target, paused=True)
    assert clients.transfer.my_effective_pause_rule_list(target)["DATA"]
    data = globus_sdk.TransferData(source, target)
    data.add_item("/one", "/two")
    task = clients.transfer.submit_transfer(data)["task_id"]
    until(lambda: clients.transfer.get_task(task)["is_paused"])


def test_tasks_can_be_cancelled_and_fail(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, target: str, until: Callable
) -> None:
    data = globus_sdk.TransferData(source, target)
    data.add_item("/never", "/never")
    task = clients.transfer.submit_transfer(data)["task_id"]
    assert clients.transfer.cancel_task(task)["code"] == "Canceled"
    assert clients.transfer.get_task(task)["status"] == "FAILED"
    assert clients.transfer.cancel_task(task)["code"] == "TaskComplete"
    (folders[source] / "one").write_text("1")
    sandbox.fail_task("transfer", "the disk is full")
    data = globus_sdk.TransferData(source, target)
    data.add_item("/one", "/one")
    task = clients.transfer.submit_transfer(data)["task_id"]
    failed = until(lambda: (one := clients.transfer.get_task(task))["status"] == "FAILED" and one)
    assert failed["fatal_error"]["description"] == "the disk is full"
    assert [one["status"] for one in clients.transfer.task_list(query_params={"filter": "status:FAILED"})] == [
        "FAILED"
    ] * 2


def test_refusals_have_the_codes_of_the_service(clients, folders: dict[str, Path], source: str) -> None:
    with pytest.raises(globus_sdk.TransferAPIError) as missing:
        clients.transfer.operation_ls(source, path="/not/there")
    assert (missing.value.http_status, missing.value.code) == (404, "ClientError.NotFound")
    with pytest.raises(globus_sdk.TransferAPIError) as outside:
        clients.transfer.operation_ls(source, path="/../..")
    assert (outside.value.http_status, outside.value.code) == (403, "EndpointPermissionDenied")
    with pytest.raises(globus_sdk.TransferAPIError) as unknown:
        clients.transfer.get_endpoint("5f0a0000-0000-4000-8000-0000000000ff")
    assert (unknown.value.http_status, unknown.value.code) == (404, "EndpointNotFound")
    with pytest.raises(globus_sdk.TransferAPIError) as empty:
        clients.transfer.submit_transfer(globus_sdk.TransferData(source, source))
    assert empty.value.code == "ClientError.BadRequest.NoTransferItems"


def test_folders_are_made_renamed_and_deleted(clients, folders: dict[str, Path], source: str, until: Callable) -> None:
    clients.transfer.operation_mkdir(source, "/new")
    client = clients.keep(globus_sdk.TransferClient(app=clients.app, retry_config=RetryConfig(max_retries=0)))
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.operation_mkdir(source, "/new")
    assert caught.value.code == "ExternalError.MkdirFailed.Exists"
    clients.transfer.operation_rename(source, oldpath="/new", newpath="/newer")
    (folders[source] / "newer" / "f").write_text("x")
    assert clients.transfer.operation_stat(source, "/newer/f")["size"] == 1
    data = globus_sdk.DeleteData(source, recursive=True)
    data.add_item("/newer")
    task = clients.transfer.submit_delete(data)["task_id"]
    until(lambda: clients.transfer.get_task(task)["status"] == "SUCCEEDED")
    assert not (folders[source] / "newer").exists()


def test_access_rules_are_kept(clients, sandbox: Sandbox, source: str) -> None:
    rule = {
        "DATA_TYPE": "access",
        "principal_type": "identity",
        "principal": sandbox.user.identity_id,
        "path": "/A001/",
        "permissions": "r",
    }
    number = clients.transfer.add_endpoint_acl_rule(source, rule)["access_id"]
    assert clients.transfer.get_endpoint_acl_rule(source, number)["permissions"] == "r"
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        clients.transfer.add_endpoint_acl_rule(source, rule)
    assert (caught.value.http_status, caught.value.code) == (409, "Exists")
    clients.transfer.update_endpoint_acl_rule(source, number, {"permissions": "rw"})
    assert [one["permissions"] for one in clients.transfer.endpoint_acl_list(source)] == ["rw"]
    clients.transfer.delete_endpoint_acl_rule(source, number)
    assert list(clients.transfer.endpoint_acl_list(source)) == []


def test_large_files_are_the_same_at_both_ends(
    clients, folders: dict[str, Path], source: str, target: str, until: Callable
) -> None:
    content = hashlib.sha256(b"frames").digest() * 400_000
    (folders[source] / "big").write_bytes(content)
    data = globus_sdk.TransferData(source, target)
    data.add_item("/big", "/big")
    task = clients.transfer.submit_transfer(data)["task_id"]
    until(lambda: clients.transfer.get_task(task)["status"] == "SUCCEEDED")
    assert hashlib.sha256((folders[target] / "big").read_bytes()).digest() == hashlib.sha256(content).digest()


def test_files_come_over_http_in_parts(clients, folders: dict[str, Path], source: str) -> None:
    (folders[source] / "in").mkdir()
    (folders[source] / "in" / "file one").write_bytes(b"0123456789")
    clients.app.add_scope_requirements({source: [GCSCollectionScopes(source).https]})
    url = f"{clients.transfer.get_endpoint(source)['https_server']}/in/file%20one"
    headers = {"Authorization": clients.app.get_authorizer(source).get_authorization_header()}
    whole = requests.get(url, headers=headers, timeout=10)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    part = requests.get(url, headers={**headers, "Range": "bytes=7-"}, timeout=10)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    assert requests.get(url, headers={**headers, "Range": "bytes=10-"}, timeout=10).status_code == 416
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(f"{url}-not", headers=headers, timeout=10).status_code == 404
    other = clients.app.get_authorizer("transfer.api.globus.org").get_authorization_header()
    assert requests.get(url, headers={"Authorization": other}, timeout=10).status_code == 403
