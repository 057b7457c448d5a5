"""The portal at a Globus site: the real clients over HTTP, against the look-alike of the services."""

import pytest
from PIL import Image

from tests.flows.test_at_globus import PROCESSING, PUBLISH, SOURCE
from tests.testing.sandbox.site import write_site
from xpcs_nb.catalog import File, Record
from xpcs_nb.errors import FacilityError, MissingKeyError
from xpcs_nb.flows import connect
from xpcs_nb.testing import Sandbox
from xpcs_nb.widgets import browse

OTHERS = "urn:globus:groups:id:99999999-9999-4999-8999-999999999999"


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A site whose index has two records for all and one for a group that this login is not in."""
    roots = {SOURCE: tmp_path / "source", PROCESSING: tmp_path / "processing", PUBLISH: tmp_path / "publish"}
    for root in roots.values():
        root.mkdir()
    with Sandbox(tmp_path / "state", roots) as sandbox:
        for name, value in sandbox.environ().items():
            monkeypatch.setenv(name, value)
        names = {"source": SOURCE, "processing": PROCESSING, "publish": PUBLISH}
        ends = {role: (name, tmp_path / role) for role, name in names.items()}
        with connect(write_site(tmp_path / "there.toml", sandbox, **ends), home=tmp_path / "home") as facility:
            facility.services.catalogue.ingest_many(published(tmp_path / "publish"))
            yield facility


def published(folder):
    Image.new("RGB", (300, 200), "navy").save(folder / "saxs_2d.png")
    for name, sample, visible_to, address in (
        ("A1", "gel", "public", f"globus://{PUBLISH}/saxs_2d.png"),
        ("A2", "latex", "public", f"file://{folder}/saxs_2d.png"),
        ("A3", "gel", OTHERS, f"globus://{PUBLISH}/saxs_2d.png"),
    ):
        yield Record(
            subject=f"globus://{PUBLISH}/results/{name}",
            title=f"{sample} {name}",
            dataset=name,
            files=(File(url=address),),
            metadata={"sample": sample},
            visible_to=(visible_to,),
        )


def test_it_shows_what_the_login_may_see(there):
    widget = browse(there)
    portal = widget.portal
    page = portal.page({"sort": "dataset"})
    assert [row["dataset"] for row in page["rows"]] == ["A1", "A2"]
    assert page["facets"]["sample"] == [{"value": "gel", "count": 1}, {"value": "latex", "count": 1}]
    assert page["facets"]["start_time:day"] == []
    assert "sample" in portal.start()["keys"]
    with pytest.raises(MissingKeyError):
        portal.detail(f"globus://{PUBLISH}/results/A3")
    chosen = portal.page({"text": "gel", "conditions": {"sample": {"values": ["gel"]}}})
    assert chosen["total"] == 1
    assert portal.history(page["rows"][0]["subject"]) == {"origins": [], "made_from_it": [], "runs": []}
    assert widget.work.runs()["runs"] == []
    widget.close()


def test_files_come_from_collections_only(there):
    portal = browse(there).portal
    subjects = [row["subject"] for row in portal.page({"sort": "dataset"})["rows"]]
    first, second = portal.thumbnails(subjects)
    assert first.startswith(b"RIFF")
    assert second is None
    with pytest.raises(FacilityError, match="not read"):
        portal.picture(subjects[1], portal.detail(subjects[1])["files"][0]["url"])
