"""Where the demo lives: a folder of its own beside the sockets, gone when the demo is over."""

from wftui.paths import Places, places, private_dir

NAME = "demo"
WORDS = "DEMO: a scripted machine, not this one"
"""What every command says that shows the demo."""


def demo_places() -> Places:
    """The places of the demo of this user; nothing of it is where real data, settings or logs are.

    Raises:
        ConfigError: There is no folder for sockets that is ours.
    """
    root = places(None, None).runtime_dir.parent / NAME
    own = places(str(root / "data"), None)
    return Places(
        config_file=root / "config" / "config.toml",
        config_named=False,
        data_dir=own.data_dir,
        state_dir=root / "state",
        runtime_dir=own.runtime_dir,
    )


def begin(where: Places) -> None:
    """Make an empty folder; what an earlier demo left there, killed before it could remove it, goes.

    Only for who holds the lock.

    Raises:
        ConfigError: It cannot be made, or others can get at it.
    """
    remove(where)
    private_dir(where.data_dir.parent, exact=True)
    for folder in (where.data_dir, where.config_dir):
        private_dir(folder)
    where.config_file.touch(mode=0o600)


def remove(where: Places) -> None:
    """Remove the folder with everything in it; a link there is not followed."""
    root = where.data_dir.parent
    if root.name == NAME and root.is_dir() and not root.is_symlink():
        import shutil

        shutil.rmtree(root, ignore_errors=True)
