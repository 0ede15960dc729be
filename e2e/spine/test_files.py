"""The plugin's file system is bounded, and what is deleted makes room again. Its files lie beside the memory's cap."""

from __future__ import annotations

from e2e.kit.lab import LabPlugin
from pysandbox.core.limits import default


def test_files_are_bounded_in_bytes_and_number_however_they_are_written(spine: LabPlugin) -> None:
    assert spine.value("files", {"bytes": default("fileBytes"), "files": default("files")}) == [
        "written", "deleted makes room", "replaced makes room", "truncated makes room, and takes it",
        "a hole is not free", "deleted while open still counts", "so many files", "removed makes room"]
