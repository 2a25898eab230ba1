"""What a run's calls of a model use, where the endpoint tells it and where a call is cut off."""

import agents
from agents import Agent, ModelResponse, RunContextWrapper

from chat_api.runs.meter import Meter
from chatkit_aws.usage import Usage

TOLD = agents.Usage(requests=1, input_tokens=700, output_tokens=200)


async def test_only_the_call_that_was_cut_off_is_estimated() -> None:
    meter, run, agent = Meter[None](), RunContextWrapper[None](None), Agent[None](name="a")
    for said in (4000, 40):
        await meter.on_llm_start(run, agent, None, [{"role": "user", "content": "Write"}])
        meter.said += said
        if said == 4000:
            await meter.on_llm_end(run, agent, ModelResponse(output=[], usage=TOLD, response_id=None))
            assert meter.usage(TOLD) == Usage.of_run(TOLD)
    used = meter.usage(TOLD)
    assert (used.requests, used.output) == (2, 210)
    assert 700 < used.input < 720
