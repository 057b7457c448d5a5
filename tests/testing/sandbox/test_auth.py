"""Logins as the apps of globus-sdk do them, and what tokens allow."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import globus_sdk
import pytest
import requests
from globus_sdk.login_flows import LoginFlowManager
from globus_sdk.scopes import AuthScopes, FlowsScopes, GCSCollectionScopes, TransferScopes

from xpcs_nb.testing import Sandbox

NATIVE = "0c1e0000-0000-4000-8000-000000000001"


class Browser(LoginFlowManager):
    """Opens the login's address as a browser would, and copies the code."""

    @classmethod
    def for_globus_app(cls, app_name, config, login_client):
        return cls(login_client, request_refresh_tokens=config.request_refresh_tokens)

    def run_login_flow(self, auth_parameters):
        url = self._get_authorize_url(auth_parameters, self.login_client.base_url + "v2/web/auth-code")
        code = requests.get(url, timeout=10).text
        return self.login_client.oauth2_exchange_code_for_tokens(code)


def user_app(**scopes: list) -> globus_sdk.UserApp:
    config = globus_sdk.GlobusAppConfig(
        token_storage="memory",  # noqa: S106
        request_refresh_tokens=True,
        login_flow_manager=Browser,
    )
    requirements = {AuthScopes.resource_server: [AuthScopes.openid, AuthScopes.profile], **scopes}
    return globus_sdk.UserApp("tests", client_id=NATIVE, scope_requirements=requirements, config=config)


def token_requests(sandbox: Sandbox) -> int:
    return sum(seen.path == "/v2/oauth2/token" for seen in sandbox.requests)


def test_client_credentials_give_a_token_for_each_service(sandbox: Sandbox) -> None:
    with closing(globus_sdk.ConfidentialAppAuthClient(sandbox.client_id, sandbox.client_secret)) as client:
        answer = client.oauth2_client_credentials_tokens(
            requested_scopes=[TransferScopes.all, FlowsScopes.run, "openid"]
        )
        servers = answer.by_resource_server
        assert set(servers) == {"transfer.api.globus.org", "flows.globus.org", "auth.globus.org"}
        assert len({one["access_token"] for one in servers.values()}) == 3
        assert answer.decode_id_token()["sub"] == sandbox.client_id
        found = client.oauth2_token_introspect(servers["flows.globus.org"]["access_token"])
        assert found["active"]
        assert found["scope"] == str(FlowsScopes.run)


def test_wrong_secret_and_unknown_scope_are_refused(sandbox: Sandbox) -> None:
    with closing(globus_sdk.ConfidentialAppAuthClient(sandbox.client_id, "wrong")) as client:
        with pytest.raises(globus_sdk.AuthAPIError) as caught:
            client.oauth2_client_credentials_tokens(requested_scopes=[TransferScopes.all])
        assert caught.value.http_status == 401
    flow = globus_sdk.scopes.SpecificFlowScopes("5f0a0000-0000-4000-8000-0000000000ff").user
    with closing(globus_sdk.ConfidentialAppAuthClient(sandbox.client_id, sandbox.client_secret)) as client:
        with pytest.raises(globus_sdk.AuthAPIError, match="unknown scope"):
            client.oauth2_client_credentials_tokens(requested_scopes=[flow])


def test_a_user_logs_in_by_link_and_code(sandbox: Sandbox, source: str) -> None:
    with closing(user_app(**{TransferScopes.resource_server: [TransferScopes.all]})) as app:
        app.login()
        with closing(globus_sdk.TransferClient(app=app)) as transfer:
            assert transfer.operation_ls(source)["DATA"] == []
        with closing(globus_sdk.AuthClient(app=app)) as auth:
            assert auth.userinfo()["preferred_username"] == sandbox.user.username
            assert auth.get_identities(usernames=sandbox.user.username)["identities"][0]["id"] == auth.userinfo()["sub"]


def test_a_code_is_good_for_one_login_and_its_verifier(sandbox: Sandbox) -> None:
    with closing(globus_sdk.NativeAppAuthClient(NATIVE)) as client:
        client.oauth2_start_flow(requested_scopes=[TransferScopes.all], redirect_uri="http://127.0.0.1:1/back")
        answer = requests.get(client.oauth2_get_authorize_url(), allow_redirects=False, timeout=10)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        assert client.oauth2_exchange_code_for_tokens(code).by_resource_server
        with pytest.raises(globus_sdk.AuthAPIError):
            client.oauth2_exchange_code_for_tokens(code)
        answer = requests.get(client.oauth2_get_authorize_url(), allow_redirects=False, timeout=10)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        client.oauth2_start_flow(requested_scopes=[TransferScopes.all], redirect_uri="http://127.0.0.1:1/back")
        with pytest.raises(globus_sdk.AuthAPIError, match="verifier"):
            client.oauth2_exchange_code_for_tokens(code)


def test_expired_tokens_are_refreshed_once(sandbox: Sandbox, source: str) -> None:
    with closing(user_app(**{TransferScopes.resource_server: [TransferScopes.all]})) as app:
        app.login()
        with closing(globus_sdk.TransferClient(app=app)) as transfer:
            transfer.operation_ls(source)
            before = token_requests(sandbox)
            sandbox.expire_tokens()
            for _ in range(3):
                transfer.operation_ls(source)
            assert token_requests(sandbox) == before + 1
            assert [seen.status for seen in sandbox.requests if seen.path.endswith("/ls")] == [200, 401, 200, 200, 200]


def test_consents_cover_the_scopes_that_a_scope_depends_on(sandbox: Sandbox, source: str) -> None:
    data_access = GCSCollectionScopes(source).data_access
    wanted = TransferScopes.all.with_dependency(data_access)
    with closing(user_app(**{TransferScopes.resource_server: [wanted]})) as app:
        app.login()
        assert not app.login_required()
        with closing(globus_sdk.AuthClient(app=app)) as auth:
            names = {one["scope_name"] for one in auth.get_consents(sandbox.user.identity_id)}
        assert {str(TransferScopes.all), str(data_access)} <= names


def test_each_service_checks_token_and_scope(sandbox: Sandbox) -> None:
    paths = {
        "transfer": "/v0.10/task_list",
        "flows": "/flows",
        "compute": "/v2/endpoints",
        "groups": "/v2/groups/my_groups",
        "auth": "/v2/oauth2/userinfo",
    }
    with closing(globus_sdk.ConfidentialAppAuthClient(sandbox.client_id, sandbox.client_secret)) as client:
        token = client.oauth2_client_credentials_tokens(requested_scopes=[FlowsScopes.run_status])["access_token"]
    for service, path in paths.items():
        url = f"{sandbox.url}/{service}{path}"
        assert requests.get(url, timeout=10).status_code == 401, service
        assert requests.get(url, headers={"Authorization": "Bearer no"}, timeout=10).status_code == 401, service
        if service != "auth":
            answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
            assert answer.status_code == 403, service


def test_tokens_live_as_long_as_asked_for(tmp_path: Path, folders: dict[str, Path], until, monkeypatch) -> None:
    with Sandbox(tmp_path / "short", folders, token_seconds=0.2) as sandbox:
        for name, value in sandbox.environ().items():
            monkeypatch.setenv(name, value)
        with closing(globus_sdk.ConfidentialAppAuthClient(sandbox.client_id, sandbox.client_secret)) as client:
            token = client.oauth2_client_credentials_tokens(requested_scopes=["openid"])["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{sandbox.url}/auth/v2/oauth2/userinfo"
            began = time.monotonic()
            until(lambda: requests.get(url, headers=headers, timeout=10).status_code == 401)
            assert time.monotonic() - began < 5
            assert not client.oauth2_token_introspect(token)["active"]


def test_without_logins_only_the_secret_lets_in(tmp_path: Path, folders: dict[str, Path]) -> None:
    with Sandbox(tmp_path / "closed", folders, logins=False) as sandbox, Sandbox(tmp_path / "open", folders) as other:
        query = {"client_id": NATIVE, "scope": str(TransferScopes.all), "response_type": "code"}
        for one, status in ((sandbox, 403), (other, 200)):
            url = f"{one.url}/auth/v2/oauth2/authorize"
            assert requests.get(url, params=query, timeout=10).status_code == status
        assert sandbox.client_secret != other.client_secret


def test_logging_out_revokes_tokens(sandbox: Sandbox, source: str) -> None:
    with closing(user_app(**{TransferScopes.resource_server: [TransferScopes.all]})) as app:
        app.login()
        token = app.get_authorizer(TransferScopes.resource_server).get_authorization_header()
        url = f"{sandbox.url}/transfer/v0.10/task_list"
        assert requests.get(url, headers={"Authorization": token}, timeout=10).status_code == 200
        app.logout()
        assert requests.get(url, headers={"Authorization": token}, timeout=10).status_code == 401
