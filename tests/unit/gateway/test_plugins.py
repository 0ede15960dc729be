"""The registry of folders: found by exact version or by the highest, rebuilt only when something changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.plugins import PluginFolders, precedence
from tests.unit.gateway.fake_plugin import SOURCE, write_plugin

ID = "com.vendor.risk-scoring"


def test_versions_sort_as_semver_does() -> None:
    in_order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
                "1.0.0-rc.1", "1.0.0", "1.0.1+build", "1.2.0", "1.10.0", "2.0.0"]
    shuffled = [*in_order[1::2], *in_order[::2]]
    assert sorted(shuffled, key=precedence) == in_order


def test_latest_is_the_highest_version_and_not_the_last_folder(tmp_path: Path) -> None:
    versions = ["2.9.0", "2.10.0", "2.10.0-rc.1"]
    known = PluginFolders([write_plugin(tmp_path / version, version=version) for version in versions])
    assert known.find(ID, "latest").manifest.version == "2.10.0"
    assert known.find(ID, "2.9.0").manifest.version == "2.9.0"


@pytest.mark.parametrize(("plugin_id", "version"), [(ID, "9.9.9"), ("com.other.plugin", "latest"), ("", "")])
def test_an_unknown_plugin_is_not_found(tmp_path: Path, plugin_id: str, version: str) -> None:
    with pytest.raises(SandboxError) as caught:
        PluginFolders([write_plugin(tmp_path)]).find(plugin_id, version)
    assert caught.value.code == Code.PLUGIN_NOT_FOUND


def test_two_folders_of_one_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="are both"):
        PluginFolders([write_plugin(tmp_path / "a"), write_plugin(tmp_path / "b")])


def test_a_bad_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        PluginFolders([tmp_path / "none"])
    assert caught.value.code == Code.MANIFEST_INVALID


def test_without_reload_a_bundle_stays_as_it_was(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path)])
    before = known.find(ID, "2.1.0")
    (tmp_path / "plugin.py").write_text(SOURCE + "# changed\n")
    assert known.find(ID, "2.1.0") is before


def test_with_reload_a_changed_folder_is_built_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path)], reload=True)
    before = known.find(ID, "2.1.0")
    assert known.find(ID, "2.1.0") is before
    (tmp_path / "plugin.py").write_text(SOURCE + "# changed\n")
    assert known.find(ID, "2.1.0").sha256 != before.sha256


def test_the_permissions_are_those_of_all_plugins(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path / "a"), write_plugin(tmp_path / "b", plugin_id="com.other.plugin")])
    assert known.permissions() == ("integration:proxy:invoke", "webchat:session:read")


def test_latest_skips_a_blocked_version_and_its_exact_name_is_refused(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path / version, version=version) for version in ("1.0.0", "2.0.0")])
    known.set_blocked(ID, "2.0.0", blocked=True)
    assert known.find(ID, "latest").manifest.version == "1.0.0"
    with pytest.raises(SandboxError) as caught:
        known.find(ID, "2.0.0")
    assert caught.value.code == Code.PLUGIN_BLOCKED
    known.set_blocked(ID, "2.0.0", blocked=False)
    assert known.find(ID, "latest").manifest.version == "2.0.0"


def test_latest_of_which_every_version_is_blocked_is_blocked(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path)])
    known.set_blocked(ID, "2.1.0", blocked=True)
    with pytest.raises(SandboxError) as caught:
        known.find(ID, "latest")
    assert caught.value.code == Code.PLUGIN_BLOCKED


@pytest.mark.parametrize(("plugin_id", "version"), [(ID, "9.9.9"), (ID, "latest"), ("com.other.plugin", "2.1.0")])
@pytest.mark.parametrize("blocked", [True, False])
def test_only_a_version_that_is_served_can_be_blocked(
    tmp_path: Path, plugin_id: str, version: str, blocked: bool
) -> None:
    known = PluginFolders([write_plugin(tmp_path)])
    with pytest.raises(SandboxError) as caught:
        known.set_blocked(plugin_id, version, blocked=blocked)
    assert caught.value.code == Code.PLUGIN_NOT_FOUND
    assert known.blocks.now().blocked == ()


def test_a_block_outlives_the_folder_that_changed_its_version(tmp_path: Path) -> None:
    known = PluginFolders([write_plugin(tmp_path)], reload=True)
    known.set_blocked(ID, "2.1.0", blocked=True)
    write_plugin(tmp_path, version="2.1.1")
    assert known.find(ID, "latest").manifest.version == "2.1.1"
    assert known.blocks.now().blocked == (f"{ID}@2.1.0",)
    known.set_blocked(ID, "2.1.0", blocked=False)
    assert known.blocks.now().blocked == ()
