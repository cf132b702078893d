"""What each command of ``python -m mia_demo`` does; returns its JSON object."""

from mia_demo.commands.attacking import attack, record, sweep
from mia_demo.commands.measuring import bench, toy
from mia_demo.commands.output import as_text
from mia_demo.commands.priors import check_prior, train_prior
from mia_demo.commands.training import train, use_data
from mia_demo.commands.zoos import convert, doctor, make_zoo, publish

__all__ = [
    "as_text",
    "attack",
    "bench",
    "check_prior",
    "convert",
    "doctor",
    "make_zoo",
    "publish",
    "record",
    "sweep",
    "toy",
    "train",
    "train_prior",
    "use_data",
]
