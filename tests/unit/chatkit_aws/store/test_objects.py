"""The bucket: what is put is there, what is deleted is gone, its neighbours stay, failures have one error per cause."""

import asyncio
import traceback

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import Answer, answered, broken, error, lost, recorded
from chatkit_aws.clients import lambda_config, s3_client
from chatkit_aws.errors import ChatKitAwsError, StoreRefused, StoreUnavailable
from chatkit_aws.store.objects import Objects

KEY = "items/ab/secret-name"
BODY = b"nobody else is to read this"


@pytest.fixture
def objects(s3: S3Client, bucket: str) -> Objects:
    return Objects(bucket, s3)


@pytest.fixture
def impatient(aws_endpoint: str) -> S3Client:
    """A client that tries once, so that nothing waits for the repetitions, which are botocore's."""
    once = lambda_config().merge(Config(retries={"total_max_attempts": 1}))
    return boto3.client("s3", endpoint_url=aws_endpoint, config=once)


async def put_all(objects: Objects, *keys: str) -> None:
    await asyncio.gather(*(objects.put(key, BODY) for key in keys))


def keys_in(s3: S3Client, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.mark.parametrize("data", [b"", b"\x00", BODY, bytes(range(256)) * 20_000], ids=["empty", "one", "few", "5 MB"])
async def test_object_holds_what_was_put(objects: Objects, data: bytes) -> None:
    await objects.put(KEY, data)
    assert await objects.get(KEY) == data


async def test_object_is_replaced(objects: Objects) -> None:
    await objects.put(KEY, b"first")
    await objects.put(KEY, b"second")
    assert await objects.get(KEY) == b"second"


async def test_object_that_is_not_there_is_none(objects: Objects) -> None:
    assert await objects.get(KEY) is None


async def test_deleted_object_is_gone_and_its_neighbours_are_not(objects: Objects) -> None:
    await put_all(objects, "items/ab/1", "items/ab/2", "items/ab/10")
    await objects.delete("items/ab/1", "items/ab/2", "items/ab/none")
    assert [await objects.get(f"items/ab/{name}") for name in ("1", "2", "10")] == [None, None, BODY]


async def test_deleting_nothing_asks_nothing(objects: Objects, s3: S3Client) -> None:
    with recorded(s3) as calls:
        await objects.delete()
    assert calls.operations == []


async def test_more_objects_than_a_request_can_have_are_deleted_in_two(objects: Objects, s3: S3Client) -> None:
    keys = [f"items/ab/{number}" for number in range(1001)]
    await put_all(objects, keys[0], keys[-1])
    with recorded(s3) as calls:
        await objects.delete(*keys)
    assert calls.operations == ["DeleteObjects"] * 2
    assert [await objects.get(key) for key in (keys[0], keys[-1])] == [None, None]


async def test_below_a_prefix_everything_goes_and_beside_it_nothing(
    objects: Objects, s3: S3Client, bucket: str
) -> None:
    beside = ["items/ab", "items/abc/1", "items/a/1", "attachments/ab/1"]
    await put_all(objects, "items/ab/1", "items/ab/2", "items/ab/deep/er", *beside)
    assert await objects.delete_below("items/ab/") == 3
    assert keys_in(s3, bucket) == sorted(beside)


async def test_below_a_prefix_without_objects_there_is_nothing_to_do(objects: Objects, s3: S3Client) -> None:
    with recorded(s3) as calls:
        assert await objects.delete_below("items/ab/") == 0
    assert calls.operations == ["ListObjectsV2"]


async def test_more_objects_than_a_page_are_deleted_page_by_page(objects: Objects, s3: S3Client, bucket: str) -> None:
    await put_all(objects, *(f"items/ab/{number}" for number in range(1001)))
    with recorded(s3) as calls:
        assert await objects.delete_below("items/ab/") == 1001
    assert calls.operations == ["ListObjectsV2", "DeleteObjects"] * 2
    assert keys_in(s3, bucket) == []


async def test_page_without_objects_is_not_the_last_one(objects: Objects, s3: S3Client, bucket: str) -> None:
    await put_all(objects, "items/ab/1")
    parts = [
        "<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>",
        "<IsTruncated>false</IsTruncated><Contents><Key>items/ab/1</Key></Contents>",
    ]
    pages = [answered(f"<ListBucketResult>{part}</ListBucketResult>".encode()) for part in parts]
    with recorded(s3, "ListObjectsV2", *pages) as calls:
        assert await objects.delete_below("items/ab/") == 1
    assert len(calls.operations) == 2
    assert keys_in(s3, bucket) == []


@pytest.mark.parametrize("prefix", ["", "items/ab", "items"])
async def test_prefix_that_others_could_share_is_refused(objects: Objects, s3: S3Client, prefix: str) -> None:
    with recorded(s3) as calls, pytest.raises(ValueError, match="slash"):
        await objects.delete_below(prefix)
    assert calls.operations == []


async def test_calls_are_made_off_the_event_loop(objects: Objects, s3: S3Client) -> None:
    with recorded(s3) as calls:
        await put_all(objects, *(f"items/{number}" for number in range(20)))
    assert 1 < len(calls.threads) <= 8


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (error("SlowDown", 503), StoreUnavailable),
        (error("InternalError", 500), StoreUnavailable),
        (error("ServiceUnavailable", 503), StoreUnavailable),
        (error("SomethingNew", 502), StoreUnavailable),
        (error("RequestTimeout"), StoreUnavailable),
        (error("OperationAborted", 409), StoreUnavailable),
        (error("KMS.ThrottlingException"), StoreUnavailable),
        (broken(ConnectionClosedError(endpoint_url=f"http://127.0.0.1/{KEY}")), StoreUnavailable),
        (broken(ConnectTimeoutError(endpoint_url=f"http://127.0.0.1/{KEY}")), StoreUnavailable),
        (broken(EndpointConnectionError(endpoint_url=f"http://127.0.0.1/{KEY}")), StoreUnavailable),
        (lost, StoreUnavailable),
        (error("AccessDenied", 403), StoreRefused),
        (error("NoSuchBucket", 404), StoreRefused),
        (error("KMS.DisabledException"), StoreRefused),
        (error("KMS.KMSInvalidStateException"), StoreRefused),
        (error("KMS.NotFoundException"), StoreRefused),
        (error("InvalidObjectState", 403), StoreRefused),
        (error("SomethingNew", 400), StoreRefused),
    ],
)
async def test_failure_has_the_error_of_its_cause(
    impatient: S3Client, bucket: str, answer: Answer, cause: type[ChatKitAwsError]
) -> None:
    objects = Objects(bucket, impatient)
    for doing in [
        objects.put(KEY, BODY),
        objects.get(KEY),
        objects.delete(KEY),
        objects.delete_below("items/ab/"),
    ]:
        with recorded(impatient, "*", answer), pytest.raises(cause) as raised:
            await doing
        assert not any(secret in str(raised.value) for secret in ("told by a test", KEY, BODY.decode()))


async def test_bucket_that_is_not_there_is_refused(s3: S3Client) -> None:
    objects = Objects("no-such-bucket", s3)
    with pytest.raises(StoreRefused, match="NoSuchBucket"):
        await objects.get(KEY)


async def test_nobody_listening_is_unavailable(bucket: str) -> None:
    with pytest.raises(StoreUnavailable):
        await Objects(bucket, s3_client("http://127.0.0.1:9")).get(KEY)


async def test_key_that_s3_cannot_have_is_refused_without_a_request(objects: Objects, s3: S3Client) -> None:
    with recorded(s3) as calls, pytest.raises(StoreRefused):
        await objects.put("", BODY)
    assert calls.operations == []


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        (["AccessDenied"], StoreRefused),
        (["InternalError"], StoreUnavailable),
        (["AccessDenied", "SlowDown"], StoreUnavailable),
    ],
)
async def test_object_that_is_not_deleted_within_a_request_that_succeeds_is_an_error(
    objects: Objects, s3: S3Client, codes: list[str], cause: type[ChatKitAwsError]
) -> None:
    errors = "".join(f"<Error><Key>{KEY}</Key><Code>{code}</Code><Message>{KEY}</Message></Error>" for code in codes)
    answer = answered(f"<DeleteResult>{errors}</DeleteResult>".encode())
    await objects.put(KEY, BODY)
    for doing in [objects.delete(KEY), objects.delete_below("items/ab/")]:
        with recorded(s3, "DeleteObjects", answer), pytest.raises(cause, match=codes[0]) as raised:
            await doing
        assert KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("answer", [error("SlowDown", 503), broken(ConnectionClosedError(endpoint_url="")), lost])
async def test_passing_failure_is_repeated(objects: Objects, s3: S3Client, answer: Answer) -> None:
    with recorded(s3, "*", answer) as calls:
        await objects.put(KEY, BODY)
    assert calls.operations == ["PutObject"] * 2
    assert await objects.get(KEY) == BODY


async def test_object_that_breaks_off_is_read_again(objects: Objects, s3: S3Client) -> None:
    await objects.put(KEY, BODY)
    with recorded(s3, "GetObject", answered(BODY[:5], {"Content-Length": str(len(BODY))})) as calls:
        assert await objects.get(KEY) == BODY
    assert len(calls.operations) == 2


async def test_object_that_keeps_breaking_off_is_unavailable(objects: Objects, s3: S3Client) -> None:
    await objects.put(KEY, BODY)
    short = answered(BODY[:5], {"Content-Length": str(len(BODY))})
    with recorded(s3, "GetObject", short, short), pytest.raises(StoreUnavailable) as raised:
        await objects.get(KEY)
    assert BODY[:5].decode() not in str(raised.value)


async def test_object_that_was_damaged_on_the_way_is_read_again(objects: Objects, s3: S3Client) -> None:
    await objects.put(KEY, BODY)
    damaged = answered(b"x" + BODY[1:], {"Content-Length": str(len(BODY)), "x-amz-checksum-crc32": "AAAAAA=="})
    with recorded(s3, "GetObject", damaged) as calls:
        assert await objects.get(KEY) == BODY
    assert len(calls.operations) == 2


async def test_deleting_below_a_prefix_goes_on_where_it_was_interrupted(
    objects: Objects, s3: S3Client, bucket: str
) -> None:
    await put_all(objects, "items/ab/1", "items/ab/2")
    with recorded(s3, "DeleteObjects", *[error("AccessDenied", 403)]), pytest.raises(StoreRefused):
        await objects.delete_below("items/ab/")
    assert await objects.delete_below("items/ab/") == 2
    assert keys_in(s3, bucket) == []
