"""What the user of one request is told when an answer does not go on: in their language, and with the request's id."""

from dataclasses import dataclass
from typing import Self

from chatkit.errors import CustomStreamError, StreamError
from chatkit.types import ErrorEvent, NoticeEvent

from chat_api.failures import Failure, chain, fail, failure_of
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext

_RETRY = mark("Trying again may help.")
_GO_ON = mark("What you decided counts. Write a message to go on.")
_REFERENCE = mark("Reference: {request_id}")


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one request."""

    locale: str
    request_id: str

    @classmethod
    def of(cls, context: RequestContext) -> Self:
        """The words for who asks."""
        return cls(context.locale, context.request_id)

    def failure(self, failure: Failure, *, is_final: bool = False, is_gone: bool = False) -> ErrorEvent:
        """That the answer failed, why, whether a retry can help, and by which id the log knows it.

        None can where what was answered `is_final`: the user's decision, which is taken once. Nor where it `is_gone`.
        """
        sentences = [say(self.locale, failure.text)]
        may_retry = failure.allow_retry and not is_final and not is_gone
        if is_final or may_retry:
            sentences.append(say(self.locale, _GO_ON if is_final else _RETRY))
        sentences.append(say(self.locale, _REFERENCE, request_id=self.request_id))
        return ErrorEvent(code="custom", message=" ".join(sentences), allow_retry=may_retry)

    def told(self, error: BaseException, *, is_final: bool = False, is_gone: bool = False) -> ErrorEvent:
        """What an exception is to the user; noted and logged, unless it was raised to tell them something."""
        stays = not is_final and not is_gone
        for link in chain(error):
            if isinstance(link, CustomStreamError):
                return self.refusal(link.message, allow_retry=link.allow_retry and stays)
            if isinstance(link, StreamError):
                return ErrorEvent(code=link.code, allow_retry=link.allow_retry and stays)
        failure = failure_of(error)
        fail(error, failure)
        return self.failure(failure, is_final=is_final, is_gone=is_gone)

    def refusal(self, text: str, *, allow_retry: bool = False) -> ErrorEvent:
        """Why nothing (more) is answered, where nothing failed; a text that no catalog knows is left as it is."""
        return ErrorEvent(code="custom", message=say(self.locale, text), allow_retry=allow_retry)

    def notice(self, text: str) -> NoticeEvent:
        """What is worth knowing."""
        return NoticeEvent(level="info", message=say(self.locale, text))
