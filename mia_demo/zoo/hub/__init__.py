"""The only place that talks to the Hugging Face Hub, and only when an ``hf://`` address is given.

A zoo lies there as the same folder as on disk: ``manifest.json`` and the files that it lists.
"""

from mia_demo.zoo.hub.access import HubAccess
from mia_demo.zoo.hub.address import HubAddress
from mia_demo.zoo.hub.download import download_zoo, open_hub_zoo
from mia_demo.zoo.hub.progress import DownloadProgress

__all__ = ["DownloadProgress", "HubAccess", "HubAddress", "download_zoo", "open_hub_zoo"]
