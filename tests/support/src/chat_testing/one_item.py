"""A conversation as one item of DynamoDB's, as usual samples have it: read it, append, write it back."""

from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

from chatkit_aws.ids import UlidIds

type Message = AttributeValueTypeDef


class OneItemStore:
    """Conversations with all their messages as one list attribute.

    It is the cheapest of its kind: one read and one write in a turn, where many samples read and write for each
    message, and it has no index.
    """

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        """Use a table with the keys `pk` and `sk`."""
        self._table = table
        self._client = client

    def save(self, user: str, conversation: str, messages: list[Message]) -> None:
        """Write the whole conversation; botocore's ClientError above 400 KB."""
        item: dict[str, AttributeValueTypeDef] = {
            "pk": {"S": user},
            "sk": {"S": conversation},
            "messages": {"L": messages},
        }
        self._client.put_item(TableName=self._table, Item=item)

    def load(self, user: str, conversation: str) -> list[Message]:
        """Read the whole conversation."""
        key = {"pk": {"S": user}, "sk": {"S": conversation}}
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return list(answer["Item"]["messages"]["L"])


def message(role: str, text: str, new_id: UlidIds) -> Message:
    """A message as DynamoDB's type M."""
    fields = {"id": new_id("message"), "role": role, "content": text, "created_at": "2026-11-21T12:00:00Z"}
    return {"M": {name: {"S": value} for name, value in fields.items()}}
