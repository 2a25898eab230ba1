from agents.usage import Usage as RunUsage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from chatkit_aws.usage import Usage


def test_sum_adds_every_figure() -> None:
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)


def test_cached_and_reasoning_tokens_are_counted_once_in_the_total() -> None:
    assert Usage(input=100, output=50, cached=80, reasoning=40).total == 150


def test_figures_of_a_run_are_those_that_the_agents_sdk_has() -> None:
    run = RunUsage(
        requests=2,
        input_tokens=100,
        input_tokens_details=InputTokensDetails.model_validate({"cached_tokens": 80, "cache_write_tokens": 0}),
        output_tokens=50,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=40),
        total_tokens=150,
    )
    assert Usage.of_run(run) == Usage(input=100, output=50, cached=80, reasoning=40, requests=2)


def test_run_that_asked_no_model_used_nothing() -> None:
    assert Usage.of_run(RunUsage()) == Usage()
