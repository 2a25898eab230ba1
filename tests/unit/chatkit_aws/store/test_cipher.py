"""Sealed bytes: only who may use the tenant's key, and names the same thread and label, can read them."""

import asyncio
import base64
import os
import string
import threading
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from types_boto3_kms.client import KMSClient

from chat_testing.aws_local import make_key
from chat_testing.boto_calls import Answer, broken, error, lost, recorded
from chatkit_aws.clients import kms_client, lambda_config
from chatkit_aws.errors import ChatKitAwsError, StoreRefused, StoreUnavailable
from chatkit_aws.store.cipher import EnvelopeCipher, Limits, Scope
from chatkit_aws.store.data_keys import THREADS
from chatkit_aws.store.key_names import KeyNames, encode

PATTERN = "alias/chatkit-{tenant}"
TEXT = b"the canary that nobody is to read"
LABEL = b"TEN#acme#USR#u1#THR#t1#\0ITM#1\0body"


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Tenant:
    """A tenant that has a key of its own."""

    name: str
    key_id: str

    def thread(self, thread: str | None = "t1") -> Scope:
        return Scope(self.name, thread)


@pytest.fixture
def new_tenant(kms: KMSClient) -> Callable[[], Tenant]:
    def make() -> Tenant:
        name = uuid.uuid4().hex
        return Tenant(name, make_key(kms, KeyNames(PATTERN).of(name)))

    return make


@pytest.fixture
def tenant(new_tenant: Callable[[], Tenant]) -> Tenant:
    return new_tenant()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_cipher(kms: KMSClient, clock: Clock) -> Callable[..., EnvelopeCipher]:
    """Each is as in a process of its own: they share no data key."""

    def make(**limits: float) -> EnvelopeCipher:
        return EnvelopeCipher(kms, PATTERN, clock=clock, limits=Limits(**limits))  # type: ignore[arg-type]

    return make


@pytest.fixture
def cipher(new_cipher: Callable[..., EnvelopeCipher]) -> EnvelopeCipher:
    return new_cipher()


@pytest.fixture
def impatient(aws_endpoint: str) -> KMSClient:
    """A client that tries once, so that nothing waits for the repetitions, which are botocore's."""
    once = lambda_config().merge(Config(retries={"total_max_attempts": 1}))
    return boto3.client("kms", endpoint_url=aws_endpoint, config=once)


@pytest.mark.parametrize("data", [b"", b"\x00", TEXT, os.urandom(5_000_000)], ids=["empty", "one", "few", "5 MB"])
@pytest.mark.parametrize("label", [b"", LABEL])
async def test_what_was_sealed_is_opened(
    new_cipher: Callable[..., EnvelopeCipher], tenant: Tenant, data: bytes, label: bytes
) -> None:
    sealed = await new_cipher().seal(data, tenant.thread(), label)
    assert await new_cipher().open(sealed, tenant.thread(), label) == data


async def test_what_belongs_to_no_thread_is_sealed_for_the_tenant(
    cipher: EnvelopeCipher, kms: KMSClient, tenant: Tenant
) -> None:
    with recorded(kms) as calls:
        sealed = await cipher.seal(TEXT, tenant.thread(None), LABEL)
    assert calls.bodies[0]["EncryptionContext"] == {"tenant": tenant.name}
    assert await cipher.open(sealed, tenant.thread(None), LABEL) == TEXT


async def test_sealed_bytes_say_their_format_and_nothing_of_the_text(cipher: EnvelopeCipher, tenant: Tenant) -> None:
    sealed = await cipher.seal(TEXT, tenant.thread(), LABEL)
    assert sealed[0] == 2
    for hidden in (TEXT, b"canary", LABEL, TEXT[:5]):
        assert hidden not in sealed


async def test_no_two_seals_are_alike(cipher: EnvelopeCipher, tenant: Tenant) -> None:
    sealed = [await cipher.seal(b"", tenant.thread(), LABEL) for _ in range(100)]
    assert len({bytes_[-28:-16] for bytes_ in sealed}) == 100


async def test_kms_is_told_key_and_context_whenever_it_is_asked(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, tenant: Tenant
) -> None:
    with recorded(kms) as calls:
        await new_cipher().open(await new_cipher().seal(TEXT, tenant.thread(), LABEL), tenant.thread(), LABEL)
    assert calls.operations == ["GenerateDataKey", "Decrypt"]
    for body in calls.bodies:
        assert body["KeyId"] == f"alias/chatkit-{tenant.name}"
        assert body["EncryptionContext"] == {"tenant": tenant.name, "thread": "t1"}


# --- one data key for each thread


async def test_two_processes_share_the_data_key_of_a_thread(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, tenant: Tenant
) -> None:
    one, other, scope = new_cipher(), new_cipher(), tenant.thread()
    with recorded(kms) as calls:
        for _ in range(5):
            question = await one.seal(b"question", scope, LABEL)
            assert await other.open(question, scope, LABEL) == b"question"
            answer = await other.seal(b"answer", scope, LABEL)
            assert await one.open(answer, scope, LABEL) == b"answer"
    assert calls.operations == ["GenerateDataKey", "Decrypt"]


async def test_threads_have_different_data_keys(cipher: EnvelopeCipher, kms: KMSClient, tenant: Tenant) -> None:
    with recorded(kms) as calls:
        for name in ("t1", "t2", None):
            await cipher.seal(TEXT, tenant.thread(name), LABEL)
    assert calls.operations == ["GenerateDataKey"] * 3


async def test_fifty_seals_at_once_in_a_new_thread_need_one_data_key(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, tenant: Tenant
) -> None:
    cipher = new_cipher()
    with recorded(kms) as calls:
        sealed = await asyncio.gather(*(cipher.seal(TEXT, tenant.thread(), LABEL) for _ in range(50)))
    assert calls.operations == ["GenerateDataKey"]
    other = new_cipher()
    with recorded(kms) as calls:
        opened = await asyncio.gather(*(other.open(one, tenant.thread(), LABEL) for one in sealed))
    assert calls.operations == ["Decrypt"]
    assert opened == [TEXT] * 50


async def test_who_leaves_does_not_take_the_data_key_from_those_who_wait(
    cipher: EnvelopeCipher, kms: KMSClient, tenant: Tenant
) -> None:
    others, go_on = [tenant.thread(f"other {number}") for number in range(THREADS)], threading.Event()

    def hold(request: AWSPreparedRequest) -> None:
        go_on.wait(5)

    with recorded(kms, "*", *[hold] * THREADS) as calls:
        # All threads are busy, so that the call that is waited for has not begun and could be taken back.
        busy = [asyncio.create_task(cipher.seal(TEXT, scope, LABEL)) for scope in others]
        first, second = (asyncio.create_task(cipher.seal(TEXT, tenant.thread(), LABEL)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert await cipher.open(await second, tenant.thread(), LABEL) == TEXT
        await asyncio.gather(*busy)
    assert first.cancelled()
    assert calls.operations == ["GenerateDataKey"] * (THREADS + 1)


async def test_failure_is_everybodys_who_waits_and_nobodys_afterwards(impatient: KMSClient, tenant: Tenant) -> None:
    cipher, all_wait = EnvelopeCipher(impatient, PATTERN), threading.Event()

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        all_wait.wait(5)
        return error("ThrottlingException")(request)

    with recorded(impatient, "*", answer) as calls:
        seals = [asyncio.create_task(cipher.seal(TEXT, tenant.thread(), LABEL)) for _ in range(3)]
        await asyncio.sleep(0)
        all_wait.set()
        failed = await asyncio.gather(*seals, return_exceptions=True)
        assert [type(one) for one in failed] == [StoreUnavailable] * 3
        await cipher.seal(TEXT, tenant.thread(), LABEL)
    assert calls.operations == ["GenerateDataKey"] * 2


def test_one_cipher_serves_one_event_loop_after_another(cipher: EnvelopeCipher, tenant: Tenant) -> None:
    sealed = asyncio.run(cipher.seal(TEXT, tenant.thread(), LABEL))
    assert asyncio.run(cipher.open(sealed, tenant.thread(), LABEL)) == TEXT


# --- how long and how often a data key is used


async def test_data_key_is_asked_for_again_when_it_has_expired_and_stays_the_same(
    cipher: EnvelopeCipher, kms: KMSClient, clock: Clock, tenant: Tenant
) -> None:
    with recorded(kms) as calls:
        first = await cipher.seal(TEXT, tenant.thread(), LABEL)
        clock.now += 299
        await cipher.open(first, tenant.thread(), LABEL)
        assert calls.operations == ["GenerateDataKey"]
        clock.now += 1
        second = await cipher.seal(TEXT, tenant.thread(), LABEL)
        await cipher.open(first, tenant.thread(), LABEL)
    assert calls.operations == ["GenerateDataKey", "Decrypt"]
    assert wrapped_in(first) == wrapped_in(second)


async def test_expired_data_keys_do_not_stay_in_memory(cipher: EnvelopeCipher, clock: Clock, tenant: Tenant) -> None:
    for name in ("t1", "t2"):
        await cipher.seal(TEXT, tenant.thread(name), LABEL)
    assert everything_about(cipher).count("DataKey(") == 2
    clock.now += 300
    await cipher.seal(TEXT, tenant.thread("t3"), LABEL)
    assert everything_about(cipher).count("DataKey(") == 1


async def test_lifetime_is_the_callers_to_choose(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, clock: Clock, tenant: Tenant
) -> None:
    cipher = new_cipher(lifetime=10)
    with recorded(kms) as calls:
        for _ in range(3):
            await cipher.seal(TEXT, tenant.thread(), LABEL)
            clock.now += 9
    assert calls.operations == ["GenerateDataKey", "Decrypt"]


async def test_data_key_that_was_used_least_recently_makes_room(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, tenant: Tenant
) -> None:
    cipher = new_cipher(size=2)
    sealed = {name: await cipher.seal(TEXT, tenant.thread(name), LABEL) for name in ("t1", "t2")}
    await cipher.open(sealed["t1"], tenant.thread("t1"), LABEL)
    sealed["t3"] = await cipher.seal(TEXT, tenant.thread("t3"), LABEL)
    with recorded(kms) as calls:
        for name in ("t1", "t3"):
            await cipher.open(sealed[name], tenant.thread(name), LABEL)
            await cipher.seal(TEXT, tenant.thread(name), LABEL)
        assert calls.operations == []
        await cipher.open(sealed["t2"], tenant.thread("t2"), LABEL)
        again = await cipher.seal(TEXT, tenant.thread("t2"), LABEL)
    assert calls.operations == ["Decrypt"]
    assert wrapped_in(again) == wrapped_in(sealed["t2"])


async def test_data_key_that_is_used_up_is_followed_by_another_and_still_opens(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, tenant: Tenant
) -> None:
    cipher = new_cipher(most_seals=2)
    with recorded(kms) as calls:
        sealed = []
        for _ in range(5):
            sealed.append(await cipher.seal(TEXT, tenant.thread(), LABEL))
            assert await cipher.open(sealed[0], tenant.thread(), LABEL) == TEXT
    assert calls.operations == ["GenerateDataKey"] * 3
    assert [sealed.index(one) for one in sealed if wrapped_in(one) == wrapped_in(sealed[0])] == [0, 1]


async def test_of_two_data_keys_of_a_thread_the_one_at_hand_seals(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, clock: Clock, tenant: Tenant
) -> None:
    one, other, scope = new_cipher(), new_cipher(), tenant.thread()
    sealed = [await cipher.seal(TEXT, scope, LABEL) for cipher in (one, other)]  # begun in two places at once
    with recorded(kms) as calls:
        await one.open(sealed[1], scope, LABEL)
        assert wrapped_in(await one.seal(TEXT, scope, LABEL)) == wrapped_in(sealed[0])
        clock.now += 300
        await one.open(sealed[1], scope, LABEL)
        assert wrapped_in(await one.seal(TEXT, scope, LABEL)) == wrapped_in(sealed[1])
    assert calls.operations == ["Decrypt", "Decrypt"]


# --- without the tenant's key


async def test_disabled_key_stops_a_fresh_process_at_once_and_others_when_their_data_keys_expire(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, clock: Clock, tenant: Tenant
) -> None:
    warm = new_cipher()
    sealed = await warm.seal(TEXT, tenant.thread(), LABEL)
    kms.disable_key(KeyId=tenant.key_id)
    for doing in [new_cipher().open(sealed, tenant.thread(), LABEL), new_cipher().seal(TEXT, tenant.thread(), LABEL)]:
        with pytest.raises(StoreRefused, match="DisabledException"):
            await doing
    assert await warm.open(sealed, tenant.thread(), LABEL) == TEXT
    clock.now += 300
    for doing in [warm.open(sealed, tenant.thread(), LABEL), warm.seal(TEXT, tenant.thread(), LABEL)]:
        with pytest.raises(StoreRefused, match="DisabledException"):
            await doing
    kms.enable_key(KeyId=tenant.key_id)
    assert await warm.open(sealed, tenant.thread(), LABEL) == TEXT


async def test_deleting_a_tenants_key_makes_its_data_unreadable_and_nobody_elses(
    new_cipher: Callable[..., EnvelopeCipher], kms: KMSClient, new_tenant: Callable[[], Tenant]
) -> None:
    gone, other = new_tenant(), new_tenant()
    sealed = {one: await new_cipher().seal(TEXT, one.thread(), LABEL) for one in (gone, other)}
    kms.schedule_key_deletion(KeyId=gone.key_id, PendingWindowInDays=7)
    with pytest.raises(StoreRefused, match="KMSInvalidStateException"):
        await new_cipher().open(sealed[gone], gone.thread(), LABEL)
    assert await new_cipher().open(sealed[other], other.thread(), LABEL) == TEXT


async def test_tenant_without_a_key_is_refused(cipher: EnvelopeCipher) -> None:
    with pytest.raises(StoreRefused, match="NotFoundException"):
        await cipher.seal(TEXT, Scope("nobody", "t1"), LABEL)


async def test_one_key_for_all_keeps_tenants_apart_by_context(kms: KMSClient) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = await EnvelopeCipher(kms, key_id).seal(TEXT, Scope("a", "t1"), LABEL)
    assert await EnvelopeCipher(kms, key_id).open(sealed, Scope("a", "t1"), LABEL) == TEXT
    with pytest.raises(StoreRefused):
        await EnvelopeCipher(kms, key_id).open(sealed, Scope("b", "t1"), LABEL)


# --- for another place, or damaged


@pytest.mark.parametrize("is_warm", [True, False])
async def test_another_thread_tenant_or_label_opens_nothing(
    new_cipher: Callable[..., EnvelopeCipher], new_tenant: Callable[[], Tenant], is_warm: bool
) -> None:
    tenant, other = new_tenant(), new_tenant()
    cipher = new_cipher()
    sealed = await cipher.seal(TEXT, tenant.thread(), LABEL)
    await cipher.seal(TEXT, tenant.thread("t2"), LABEL)
    await cipher.seal(TEXT, other.thread(), LABEL)
    for scope, label in [
        (tenant.thread("t2"), LABEL),
        (tenant.thread(None), LABEL),
        (other.thread(), LABEL),
        (tenant.thread(), LABEL + b"x"),
        (tenant.thread(), b""),
    ]:
        with pytest.raises(StoreRefused) as raised:
            await (cipher if is_warm else new_cipher()).open(sealed, scope, label)
        assert "canary" not in "".join(traceback.format_exception(raised.value))


@given(data=st.data())
async def test_tampered_bytes_are_refused(cipher: EnvelopeCipher, tenant: Tenant, data: st.DataObject) -> None:
    sealed = bytearray(await cipher.seal(TEXT, tenant.thread(), LABEL))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    await assert_refused(cipher, bytes(sealed), tenant)


@given(data=st.data())
async def test_truncated_bytes_are_refused(cipher: EnvelopeCipher, tenant: Tenant, data: st.DataObject) -> None:
    sealed = await cipher.seal(TEXT, tenant.thread(), LABEL)
    await assert_refused(cipher, sealed[: data.draw(st.integers(0, len(sealed) - 1))], tenant)


@given(noise=st.binary(max_size=300) | st.binary(max_size=300).map(lambda noise: b"\x02" + noise))
async def test_bytes_that_were_never_sealed_are_refused(cipher: EnvelopeCipher, tenant: Tenant, noise: bytes) -> None:
    await assert_refused(cipher, noise, tenant)


async def test_data_key_of_one_blob_does_not_open_another(cipher: EnvelopeCipher, tenant: Tenant) -> None:
    one, other = [await cipher.seal(TEXT, tenant.thread(name), LABEL) for name in ("t1", "t2")]
    length = 3 + len(wrapped_in(one))
    await assert_refused(cipher, one[:length] + other[length:], tenant)


# --- when KMS does not answer


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (error("ThrottlingException"), StoreUnavailable),
        (error("KMSInternalException", 500), StoreUnavailable),
        (error("DependencyTimeoutException", 503), StoreUnavailable),
        (error("KeyUnavailableException", 500), StoreUnavailable),
        (error("SomethingNew", 503), StoreUnavailable),
        (broken(ConnectionClosedError(endpoint_url="http://127.0.0.1")), StoreUnavailable),
        (broken(ConnectTimeoutError(endpoint_url="http://127.0.0.1")), StoreUnavailable),
        (lost, StoreUnavailable),
        (error("AccessDeniedException"), StoreRefused),
        (error("DisabledException"), StoreRefused),
        (error("KMSInvalidStateException"), StoreRefused),
        (error("NotFoundException"), StoreRefused),
        (error("InvalidCiphertextException"), StoreRefused),
        (error("IncorrectKeyException"), StoreRefused),
        (error("InvalidKeyUsageException"), StoreRefused),
        (error("ValidationException"), StoreRefused),
    ],
)
async def test_failure_has_the_error_of_its_cause(
    impatient: KMSClient, kms: KMSClient, tenant: Tenant, answer: Answer, cause: type[ChatKitAwsError]
) -> None:
    sealed = await EnvelopeCipher(kms, PATTERN).seal(TEXT, tenant.thread(), LABEL)
    cipher = EnvelopeCipher(impatient, PATTERN)
    for doing in [cipher.seal(TEXT, tenant.thread(), LABEL), cipher.open(sealed, tenant.thread(), LABEL)]:
        with recorded(impatient, "*", answer), pytest.raises(cause) as raised:
            await doing
        assert not any(secret in str(raised.value) for secret in ("told by a test", TEXT.decode(), tenant.name))


async def test_passing_failure_is_repeated(kms: KMSClient, cipher: EnvelopeCipher, tenant: Tenant) -> None:
    with recorded(kms, "*", lost) as calls:
        await cipher.seal(TEXT, tenant.thread(), LABEL)
    assert calls.operations == ["GenerateDataKey"] * 2


async def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        await EnvelopeCipher(kms_client("http://127.0.0.1:9"), PATTERN).seal(TEXT, Scope("a", "t1"), LABEL)


# --- what is told of it


async def test_data_key_is_in_no_representation(
    kms: KMSClient, cipher: EnvelopeCipher, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    given_out: list[bytes] = []

    def note(parsed: dict[str, bytes], **_: object) -> None:
        given_out.append(parsed["Plaintext"])

    kms.meta.events.register("after-call.kms", note)
    with caplog.at_level("DEBUG", "chatkit_aws"):
        sealed = await cipher.seal(TEXT, tenant.thread(), LABEL)
        await assert_refused(cipher, sealed[:-1], tenant)
    kms.meta.events.unregister("after-call.kms", note)
    (secret,) = given_out
    told = everything_about(cipher) + repr([record.__dict__ for record in caplog.records if "chatkit" in record.name])
    assert "DataKey(wrapped=" in told
    for form in (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode()):
        assert form not in told


@given(st.text(), st.text())
def test_different_tenants_have_different_keys(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(st.text(alphabet="_-/%#:aZ09é"), st.text(alphabet="_-/%#:aZ09é"))
def test_different_tenants_of_awkward_names_have_different_keys(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(st.text())
def test_name_of_a_key_is_an_alias_that_kms_may_have(tenant: str) -> None:
    name = KeyNames(PATTERN).of(tenant)
    assert name.startswith("alias/chatkit-")
    assert set(name.removeprefix("alias/")) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize(
    ("tenant", "written"),
    [("acme-1", "acme-1"), ("a_b", "a_5Fb"), ("a/b", "a_2Fb"), ("é", "_C3_A9"), ("{tenant}", "_7Btenant_7D")],
)
def test_tenant_is_written_readably(tenant: str, written: str) -> None:
    assert KeyNames(PATTERN).of(tenant) == f"alias/chatkit-{written}"


def test_pattern_without_a_tenant_names_one_key() -> None:
    assert KeyNames("alias/chatkit").of("acme") == "alias/chatkit"


def wrapped_in(sealed: bytes) -> bytes:
    """The data key in sealed bytes, as KMS wrapped it."""
    return sealed[3 : 3 + int.from_bytes(sealed[1:3])]


async def assert_refused(cipher: EnvelopeCipher, sealed: bytes, tenant: Tenant) -> None:
    with pytest.raises(StoreRefused) as raised:
        await cipher.open(sealed, tenant.thread(), LABEL)
    assert "canary" not in str(raised.value)


def everything_about(value: object, depth: int = 4) -> str:
    """The representations of an object and of all that it holds."""
    held = vars(value).values() if depth and hasattr(value, "__dict__") else ()
    return "\n".join([repr(value), *(everything_about(part, depth - 1) for part in held)])
