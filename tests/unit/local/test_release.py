"""A release is tagged only on a clean, tested main. The changelog must name the version and today."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from local import release
from local.errors import LocalError
from local.paths import ROOT

TODAY = date(2026, 12, 1)
LOG = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- Budgets per client.

## [1.2.2] - 2026-11-01

### Fixed

- A typo.
"""


def passing() -> bool:
    return True


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that may be released as 1.2.3."""
    # A developer's own settings, such as signed tags, must not decide a test.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for person in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{person}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{person}_EMAIL", "ada@example.com")
    release.git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    package = tmp_path / release.VERSION_FILE
    package.parent.mkdir(parents=True)
    package.write_text('"""The domain."""\n\nVERSION = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(LOG)
    commit(tmp_path)
    return tmp_path


def commit(repository: Path) -> None:
    release.git(repository, "add", "--all")
    release.git(repository, "commit", "--quiet", "--message", "Change something")


def tags(repository: Path) -> list[str]:
    return release.git(repository, "tag", "--list").split()


def fails_without_a_tag(repository: Path, message: str, today: date = TODAY) -> None:
    before = tags(repository)
    with pytest.raises(LocalError, match=message):
        release.release(repository, today, passing)
    assert tags(repository) == before


def test_tag_is_annotated_with_the_section_of_the_changelog(repository: Path) -> None:
    assert release.release(repository, TODAY, passing) == "v1.2.3"
    assert release.git(repository, "cat-file", "-t", "v1.2.3") == "tag"
    message = release.git(repository, "tag", "--list", "--format=%(contents)", "v1.2.3")
    assert "- Budgets per client." in message
    assert "A typo" not in message


def test_uncommitted_file_prevents_a_release(repository: Path) -> None:
    (repository / "new.txt").touch()
    fails_without_a_tag(repository, "uncommitted")


def test_other_branch_prevents_a_release(repository: Path) -> None:
    release.git(repository, "switch", "--quiet", "--create", "feature")
    fails_without_a_tag(repository, "feature, not main")


def test_detached_head_prevents_a_release(repository: Path) -> None:
    release.git(repository, "switch", "--quiet", "--detach")
    fails_without_a_tag(repository, "detached, not main")


def test_section_of_another_day_prevents_a_release(repository: Path) -> None:
    fails_without_a_tag(repository, r"no heading `## \[1\.2\.3\] - 2026-12-02`", date(2026, 12, 2))


def test_missing_changelog_prevents_a_release(repository: Path) -> None:
    (repository / "CHANGELOG.md").unlink()
    commit(repository)
    fails_without_a_tag(repository, "no heading")


def test_empty_section_prevents_a_release(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(LOG.replace("### Added\n\n- Budgets per client.\n", ""))
    commit(repository)
    fails_without_a_tag(repository, "says nothing about 1.2.3")


def test_existing_tag_prevents_a_release(repository: Path) -> None:
    release.git(repository, "tag", "v1.2.3")
    fails_without_a_tag(repository, "exists already")


def test_version_of_another_form_prevents_a_release(repository: Path) -> None:
    package = repository / release.VERSION_FILE
    package.write_text(package.read_text().replace("1.2.3", "1.2.3.dev1"))
    commit(repository)
    fails_without_a_tag(repository, r"X\.Y\.Z")


def test_failing_checks_prevent_a_release(repository: Path) -> None:
    with pytest.raises(LocalError, match="failed"):
        release.release(repository, TODAY, lambda: False)
    assert tags(repository) == []


def test_checks_do_not_start_for_a_commit_that_cannot_be_released(repository: Path) -> None:
    started: list[str] = []

    def checks_pass() -> bool:
        started.append("checks")
        return True

    (repository / "new.txt").touch()
    with pytest.raises(LocalError):
        release.release(repository, TODAY, checks_pass)
    assert started == []


def test_file_that_the_checks_change_prevents_a_release(repository: Path) -> None:
    def checks_pass() -> bool:
        (repository / "CHANGELOG.md").write_text(LOG + "\nMore.\n")
        return True

    with pytest.raises(LocalError, match="changed while"):
        release.release(repository, TODAY, checks_pass)
    assert tags(repository) == []


def test_missing_version_is_an_error(repository: Path) -> None:
    (repository / release.VERSION_FILE).write_text("")
    with pytest.raises(LocalError, match="has no VERSION"):
        release.version_of(repository)


def test_changelog_describes_the_current_version() -> None:
    assert release.section(ROOT, release.version_of(ROOT))
