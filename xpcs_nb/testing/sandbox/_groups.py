"""Globus Groups: the groups that the caller is in."""

from __future__ import annotations

from typing import Any, ClassVar

from xpcs_nb.testing.sandbox._service import Caller, Refusal, Request, Service, route

__all__ = ["GroupsService"]


class GroupsService(Service):
    """Groups by id and name; every caller is a member of all."""

    name: ClassVar[str] = "groups"
    scope_prefix: ClassVar[str] = "urn:globus:auth:scope:groups.api.globus.org:"

    def __init__(self, groups: dict[str, str]) -> None:
        super().__init__()
        self.groups = groups

    @route("GET", "/v2/groups/my_groups", "view_my_groups_and_memberships")
    def my_groups(self, request: Request) -> Any:
        """List the groups of the caller."""
        return [_group(key, name, request.by) for key, name in self.groups.items()]

    @route("GET", "/v2/groups/<group_id>", "view_my_groups_and_memberships")
    def group(self, request: Request, group_id: str) -> Any:
        """Return a group."""
        if group_id not in self.groups:
            raise Refusal(404, f"no group {group_id}")
        return _group(group_id, self.groups[group_id], request.by)


def _group(group_id: str, name: str, caller: Caller) -> dict[str, Any]:
    member = {"identity_id": caller.identity_id, "username": caller.username, "role": "member", "status": "active"}
    return {
        "id": group_id,
        "name": name,
        "description": "",
        "parent_id": None,
        "group_type": "regular",
        "enforce_session": False,
        "session_limit": 28800,
        "session_timeouts": {},
        "my_memberships": [{"group_id": group_id, **member}],
        "policies": {"group_visibility": "private", "group_members_visibility": "managers"},
        "subscription_id": None,
        "subscription_info": None,
    }
