"""Expected failures. Each message is one sentence that names the problem and the remedy.

The command line prints it and exits with code 2; the page shows it as one toast.
"""


class DemoError(Exception):
    """Base of every failure that a user can cause and fix."""


class DataError(DemoError):
    """An identity set cannot be read: bad zip, broken image, too few images."""


class CheckpointError(DemoError):
    """A checkpoint is missing, damaged, or does not match its manifest entry."""


class ConfigError(DemoError):
    """A setting is out of its range."""


class DeviceError(DemoError):
    """The requested device does not exist on this machine."""


class PeerError(DemoError):
    """Another process of the same sweep failed, died or cannot be reached."""


class ConversionError(DemoError):
    """A foreign file of weights is refused, damaged, or of an unknown layout."""


class HubError(DemoError):
    """The Hub refuses a zoo, or holds something else at its address."""


class HubAccessError(HubError):
    """The Hub does not show this repository to this user."""


class HubUnreachableError(HubError):
    """The Hub does not answer, or offline mode forbids asking it."""
