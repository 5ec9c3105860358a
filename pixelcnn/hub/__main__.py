"""Command line: `python -m pixelcnn.hub push --repo user/name` uploads the weights, `facts` updates the manifest."""

import argparse
import re
from pathlib import Path

from pixelcnn.errors import WeightsError
from pixelcnn.hub.manifest import REPO_NAME, WEIGHTS
from pixelcnn.hub.publish import push, repo_contents, write_facts


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pixelcnn.hub", description="Publish and maintain the weights.")
    commands = parser.add_subparsers(dest="command", required=True)
    pushing = commands.add_parser(
        "push", help="upload weights, manifest, model card and samples; without --yes, only show what would be uploaded"
    )
    pushing.add_argument("--repo", required=True, help="the Hub repository, user/name")
    pushing.add_argument("--yes", action="store_true", help="upload")
    updating = commands.add_parser(
        "facts", help="write levels, classes, size and mask support of all entries to the manifest"
    )
    for command in (pushing, updating):
        command.add_argument("--folder", type=Path, default=WEIGHTS, help="the folder of manifest.json and the weights")
    options = parser.parse_args(argv)
    if options.command == "push" and not re.fullmatch(REPO_NAME, options.repo):
        parser.error(f"--repo is {options.repo!r}; give user/name")
    return options


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    try:
        if options.command == "facts":
            write_facts(options.folder)
        elif options.yes:
            commit = push(options.repo, options.folder)
            print(f"Pushed to {options.repo}, commit {commit}. The manifest now names this commit.")
        else:
            show(options.repo, repo_contents(options.repo, options.folder))
    except WeightsError as error:
        raise SystemExit(str(error)) from None


def show(repo: str, contents: dict[str, bytes]) -> None:
    """Print what a push would upload."""
    print(contents["README.md"].decode())
    for name, content in contents.items():
        print(f"{len(content):>10} bytes  {name}")
    print(f"Nothing was uploaded. To push these {len(contents)} files to {repo}, add --yes.")


if __name__ == "__main__":
    main()
