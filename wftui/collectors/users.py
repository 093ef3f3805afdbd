"""Who runs a process: names of users, looked up once each."""

from wftui import text


class Users:
    """Names by number, for as long as it lives."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def known(self, uid: int) -> str:
        """As ``name``, but the number as long as nobody has looked: a look may ask a server of the network."""
        return self._names.get(uid, str(uid))

    def name(self, uid: int) -> str:
        """A user's name, made safe to show; the number where nobody has it."""
        name = self._names.get(uid)
        if name is None:
            import pwd  # not on every platform that imports this package

            try:
                name = text.clean(pwd.getpwuid(uid).pw_name, 64)
            except (KeyError, OverflowError):
                name = str(uid)
            self._names[uid] = name
        return name
