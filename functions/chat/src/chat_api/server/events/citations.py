"""What an answer cites: annotations of the model's, and those of what it mentions that the user knows by a title."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import override
from urllib.parse import urlsplit

from chatkit.agents import ResponseStreamConverter
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    EntitySource,
    ThreadItemDoneEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from openai.types.responses.response_output_text import AnnotationURLCitation

from chat_api.server.events.mentions import Mention, Mentions
from chat_api.server.events.streams import closing

_SCHEMES = ("http", "https")


class Converter(ResponseStreamConverter):
    """Turns the model's citations of files and pages into annotations."""

    @override
    async def url_citation_to_annotation(self, url_citation: AnnotationURLCitation) -> Annotation | None:
        """As the SDK does it, but that only pages are cited: any other address would do something when clicked."""
        if not _is_page(url_citation.url):
            return None
        return await super().url_citation_to_annotation(url_citation)


class Citations:
    """One answer's. Each of `sources` that a part of a message mentions is cited where it first does.

    They are sent as soon as they are sure, and are in what ends the part and the message, and so is each annotation of
    the model's: the SDK ends a part without any, for which a client would drop what it has.
    """

    def __init__(self, sources: Mapping[str, EntitySource]) -> None:
        """Cite these, by their ids, as they are when a part begins."""
        self._sources = sources
        self._parts: dict[tuple[str, int], _Part] = {}

    async def added(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, with annotations."""
        async with closing(events):
            async for event in events:
                match event:
                    case ThreadItemUpdatedEvent():
                        for update in self._updates(event.item_id, event.update):
                            yield ThreadItemUpdatedEvent(item_id=event.item_id, update=update)
                    case ThreadItemDoneEvent(item=AssistantMessageItem() as item):
                        parts = [self._part(item.id, at).done(content) for at, content in enumerate(item.content)]
                        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": parts}))
                    case _:
                        yield event

    def _updates(self, item_id: str, update: ThreadItemUpdate) -> Iterable[ThreadItemUpdate]:
        """An update as it is sent, and those that it brings about."""
        match update:
            case AssistantMessageContentPartAdded(content_index=at, content=content):
                part = self._part(item_id, at)
                part.annotations += content.annotations
                return [update, *part.added(at, part.said(content.text))]
            case AssistantMessageContentPartTextDelta(content_index=at, delta=delta):
                part = self._part(item_id, at)
                return [update, *part.added(at, part.said(delta))]
            case AssistantMessageContentPartAnnotationAdded(content_index=at, annotation=annotation):
                return self._part(item_id, at).added(at, [annotation])
            case AssistantMessageContentPartDone(content_index=at, content=content):
                return [update.model_copy(update={"content": self._part(item_id, at).done(content)})]
        return [update]

    def _part(self, item_id: str, content_index: int) -> "_Part":
        key = item_id, content_index
        if key not in self._parts:
            self._parts[key] = _Part(dict(self._sources))
        return self._parts[key]


class _Part:
    """A part of a message: the annotations that it has up to now."""

    def __init__(self, sources: Mapping[str, EntitySource]) -> None:
        self._sources = sources
        self._mentions = self._new_mentions()
        self.annotations: list[Annotation] = []

    def said(self, text: str) -> list[Annotation]:
        """What is cited by this much more text."""
        return [self._citing(mention) for mention in self._mentions.more(text)]

    def added(self, content_index: int, annotations: Iterable[Annotation]) -> Iterator[ThreadItemUpdate]:
        """The updates that add these to what there is."""
        for annotation in annotations:
            yield AssistantMessageContentPartAnnotationAdded(
                content_index=content_index, annotation_index=len(self.annotations), annotation=annotation
            )
            self.annotations.append(annotation)

    def done(self, content: AssistantMessageContent) -> AssistantMessageContent:
        """The whole part with all its annotations, in the order in which they were sent.

        Ours are at their places in the whole text, which is not always the sum of what was sent: a character may have
        come in halves.
        """
        mentions = self._new_mentions()
        found = [*mentions.more(content.text), *mentions.end()]
        ours = {mention.id: self._citing(mention) for mention in found}
        sent = [ours.pop(_entity_id(annotation), annotation) for annotation in self.annotations]
        sent += [annotation for annotation in content.annotations if annotation not in sent]
        self.annotations = [*sent, *ours.values()]
        return content.model_copy(update={"annotations": [*self.annotations]})

    def _new_mentions(self) -> Mentions:
        return Mentions({id_: source.title for id_, source in self._sources.items()})

    def _citing(self, mention: Mention) -> Annotation:
        return Annotation(source=self._sources[mention.id], index=mention.end)


def _entity_id(annotation: Annotation) -> str:
    return annotation.source.id if isinstance(annotation.source, EntitySource) else ""


def _is_page(address: str) -> bool:
    try:
        return urlsplit(address).scheme in _SCHEMES
    except ValueError:
        return False
