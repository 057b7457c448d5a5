"""Sites: read, checked as a whole, and paths mapped both ways."""

import pytest

from xpcs_nb.errors import MissingFileError, SiteError
from xpcs_nb.flows import load_site, site_files
from xpcs_nb.flows._collection import Collection
from xpcs_nb.flows._sites import Queue

SITE = """
name = "there"
kind = "globus"
[collections.source]
id = "11111111-1111-1111-1111-111111111111"
root = "/data"
path = "/beamline"
[collections.processing]
id = "22222222-2222-2222-2222-222222222222"
root = "/eagle/xpcs"
[collections.publish]
id = "33333333-3333-3333-3333-333333333333"
root = "/eagle/published"
https = "https://there.example.org"
[endpoints]
login = "44444444-4444-4444-4444-444444444444"
compute = "55555555-5555-5555-5555-555555555555"
[processing]
folder = "/eagle/xpcs/runs"
[publish]
folder = "/eagle/published/results"
index = "66666666-6666-6666-6666-666666666666"
[queue]
queue = "preemptable"
walltime = "01:00:00"
"""


@pytest.fixture
def site_file(tmp_path):
    path = tmp_path / "there.toml"
    path.write_text(SITE)
    return path


def test_a_site_is_read_by_its_path(site_file):
    site = load_site(site_file)
    assert site.name == "there"
    assert site.collections.source.path == "/beamline"


def test_the_sites_that_come_along_are_named_where_one_is_unknown():
    assert {"local", "aps-8idi-polaris", "nersc-perlmutter"} <= set(site_files())
    with pytest.raises(MissingFileError, match="aps-8idi-polaris or local or nersc-perlmutter"):
        load_site("aps-8idi-polari")


def test_placeholders_are_refused_with_what_to_fill_in():
    with pytest.raises(SiteError, match=r"aps-8idi-polaris\.toml") as caught:
        load_site("aps-8idi-polaris")
    assert "endpoints.compute: fill in <id of the endpoint with the PBS provider>" in str(caught.value)
    assert "collections.publish.https: fill in" in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(site_file):
    text = SITE.replace("/eagle/xpcs/runs", "/home/me").replace("01:00:00", "an hour").replace('kind = "globus"', "")
    site_file.write_text(text + "\nquue = 1\n")
    with pytest.raises(SiteError) as caught:
        load_site(site_file)
    message = str(caught.value)
    assert str(site_file) in message
    assert "kind" in message
    assert "queue.walltime" in message
    assert "quue" in message


def test_folders_have_to_be_in_their_collections(site_file):
    site_file.write_text(SITE.replace("/eagle/xpcs/runs", "/home/me"))
    with pytest.raises(SiteError, match=r"outside.*got /home/me, expected a path below /eagle/xpcs"):
        load_site(site_file)


def test_paths_map_both_ways():
    source = Collection(id="c", root="/data", path="/beamline")
    assert source.to_collection("/data/2026-2/a.h5") == "/beamline/2026-2/a.h5"
    assert source.to_posix("/beamline/2026-2/a.h5") == "/data/2026-2/a.h5"
    assert source.url("/data/a b.h5") == "globus://c/beamline/a%20b.h5"


@pytest.mark.parametrize("path", ["/data2/a.h5", "/data/../etc/passwd", "data/a.h5", "/"])
def test_paths_outside_are_refused(path):
    with pytest.raises(SiteError, match="outside"):
        Collection(id="c", root="/data").to_collection(path)


def test_what_is_asked_for_wins_over_the_site():
    queue = Queue(queue="debug", walltime="01:00:00", more={"gpus": 4})
    assert queue.config(queue=None, max_blocks=2) == {
        "queue": "debug",
        "walltime": "01:00:00",
        "max_blocks": 2,
        "gpus": 4,
    }
    with pytest.raises(ValueError, match="hh:mm:ss"):
        queue.config(walltime="1 h")
