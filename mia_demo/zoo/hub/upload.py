"""A zoo folder goes up as one commit of a repository."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from mia_demo.errors import HubError
from mia_demo.zoo.hub.address import HubAddress, parse_repo
from mia_demo.zoo.hub.client import has_token, hub, waiting, within

TOKEN_PAGE = "https://huggingface.co/settings/tokens"  # noqa: S105


@dataclass(frozen=True)
class Upload:
    """What is there now.

    Attributes:
        address: with the commit to pin.
        url: of the page about it.
    """

    address: HubAddress
    url: str
    files: int
    total_bytes: int


def upload(repo: str, files: dict[str, Path | bytes], message: str, *, private: bool) -> Upload:
    """Makes the repository if need be and commits the files; others stay as they are.

    Args:
        repo: ``user/name``.
        files: path in the repository -> file here, or what to write there.
        private: nobody else may see it. An existing public repository is refused then.

    Raises:
        HubError: no token, or not allowed.
        HubUnreachableError: the Hub does not answer.
    """
    parse_repo(repo)
    if not has_token():
        raise HubError(
            "Publishing needs a token of yours: make one that may write at "
            f"{TOKEN_PAGE}, then run `hf auth login` or set HF_TOKEN."
        )
    api, subject = hub(), f"hf://{repo}"
    # The first request finds out whether there is a Hub at all, so it has the short deadline.
    within(lambda: api.create_repo(repo, private=private or None, exist_ok=True), subject)
    if private and not within(lambda: api.repo_info(repo), subject).private:
        raise HubError(
            f"{subject} exists and everybody can read it; choose another name, or make it private "
            "in its settings first."
        )
    operations = [
        CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)
        for path, content in files.items()
    ]
    commit = waiting(lambda: api.create_commit(repo, operations, commit_message=message), subject)
    sizes = [len(c) if isinstance(c, bytes) else c.stat().st_size for c in files.values()]
    address = HubAddress(repo, commit.oid)
    return Upload(address, f"{api.endpoint}/{repo}/tree/{commit.oid}", len(files), sum(sizes))
