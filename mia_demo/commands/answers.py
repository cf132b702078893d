"""Which function answers which request."""

from collections.abc import Callable
from typing import Any

from mia_demo.commands import requests, training_requests
from mia_demo.commands.attacking import (
    answer_attack,
    answer_record,
    answer_shield,
    answer_sweep,
)
from mia_demo.commands.measuring import answer_bench, answer_toy
from mia_demo.commands.options import Request
from mia_demo.commands.priors import answer_check_prior, answer_train_prior
from mia_demo.commands.training import answer_train, answer_use_data
from mia_demo.commands.zoos import answer_convert, answer_doctor, answer_make_zoo, answer_publish

ANSWERS: dict[type[Request], Callable[[Any], dict[str, Any] | None]] = {
    requests.AttackRequest: answer_attack,
    requests.SweepRequest: answer_sweep,
    requests.ShieldRequest: answer_shield,
    requests.RecordRequest: answer_record,
    training_requests.TrainRequest: answer_train,
    training_requests.UseDataRequest: answer_use_data,
    training_requests.TrainPriorRequest: answer_train_prior,
    training_requests.CheckPriorRequest: answer_check_prior,
    requests.MakeZooRequest: answer_make_zoo,
    requests.ConvertRequest: answer_convert,
    requests.ToyRequest: answer_toy,
    requests.BenchRequest: answer_bench,
    requests.DoctorRequest: answer_doctor,
    requests.PublishRequest: answer_publish,
}


def answer(request: Request) -> dict[str, Any] | None:
    """A command's JSON object; None where another process speaks for this one."""
    return ANSWERS[type(request)](request)
